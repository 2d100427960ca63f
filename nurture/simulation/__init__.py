"""Weeks of behaviour in seconds: the same pure core under a virtual clock, without Temporal, network or database."""
