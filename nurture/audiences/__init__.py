"""Retargeting audiences: who belongs on an ad platform's list, and bringing the list there."""
