"""Ports for what a test starts; tests that run side by side look for theirs apart."""

import os
from collections import deque

from embedded import local, ports

_SHARES = 20
_given = deque[int](maxlen=200)
"""Found free lately, and perhaps not listened on yet: two questions of one test must not get the same answer."""


def free_ports(count: int) -> list[int]:
    share = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    among = [port for port in ports.QUIET[share % _SHARES :: _SHARES] if port not in _given]
    found = ports.free(local.HOST, count, among)
    _given.extend(found)
    return found


def free_port() -> int:
    return free_ports(1)[0]
