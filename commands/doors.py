"""`nurture worker` and `nurture serve`: this process becomes `python worker.py` or `python server.py`."""

import os

from embedded.up import door_command


def worker() -> None:
    """Run workflows and activities against the Temporal and the database of the settings."""
    _become("worker")


def serve() -> None:
    """Serve HTTP: touches, forms, links, answers, pages."""
    _become("server")


def _become(door: str) -> None:
    argv = door_command(door)
    os.execv(argv[0], argv)
