"""Are the ports free? Asked for all of them before anything starts."""

import errno
import secrets
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from nurture.domain.errors import StartError

QUIET = range(10_000, 32_768)
"""Below what systems give to connections as their own end: a port from there may be gone, between being found free and
being listened on, with anybody's next call."""


def free(host: str, count: int, among: Sequence[int] = QUIET) -> list[int]:
    """So many different ones on `host` that nobody listens on."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            port = secrets.choice(among)
            try:
                held.enter_context(socket.create_server((host, port)))
            except OSError:
                continue
            found.append(port)
    return found


def check(wanted: Mapping[str, tuple[str, int]]) -> None:
    """`wanted` maps a port setting's variable to host and port. Raises StartError naming all that
    cannot be had."""
    problems = []
    owners: dict[int, str] = {}
    for variable, (host, port) in wanted.items():
        if port in owners:
            problems.append(f"{variable}: port {port} is also given to {owners[port]}")
        elif problem := _problem(host, port):
            problems.append(f"{variable}: port {port} {problem}")
        owners.setdefault(port, variable)
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise StartError(f"cannot start; set other ports:\n{lines}")


def _problem(host: str, port: int) -> str | None:
    """A listener elsewhere on the machine counts too: ours must be the only one on the port."""
    try:
        with socket.create_server((host, port)):
            return None
    except PermissionError:
        return "may only be used by the administrator"
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return "is taken by another program"
        return f"cannot be used on {host}: {error.strerror}"
