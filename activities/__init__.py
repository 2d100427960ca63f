"""Doing. Classes whose constructor takes what they need; every activity may be repeated at any point."""
