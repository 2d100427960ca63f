"""`nurture worker` and `nurture serve`: this process becomes `python worker.py` or `python server.py`."""

import os
import sys
from importlib.util import find_spec


def worker() -> None:
    """Run workflows and activities against the Temporal and the database of the settings."""
    _become("worker")


def serve() -> None:
    """Serve HTTP: touches, forms, links, answers, pages."""
    _become("server")


def command(door: str) -> list[str]:
    """How that door is started as a process of its own."""
    spec = find_spec(door)
    assert spec is not None, f"{door}.py is part of the distribution"
    assert spec.origin is not None
    return [sys.executable, spec.origin]


def _become(door: str) -> None:
    argv = command(door)
    os.execv(argv[0], argv)
