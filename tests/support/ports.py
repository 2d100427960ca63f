"""Ports for what a test starts; tests that run side by side look for theirs apart."""

import os

from embedded import local, ports

_SHARES = 20


def free_ports(count: int) -> list[int]:
    share = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return ports.free(local.HOST, count, ports.QUIET[share % _SHARES :: _SHARES])


def free_port() -> int:
    return free_ports(1)[0]
