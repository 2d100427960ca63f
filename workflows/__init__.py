"""Waiting. Each workflow's whole state is one id; what happens is decided and done in activities."""
