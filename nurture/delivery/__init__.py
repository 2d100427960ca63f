"""Adapters to the outside world: one verb each, no retry loops."""
