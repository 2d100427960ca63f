"""Is the database away for a while, or is something wrong? Judged once, here, for everybody who asks it anything."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from nurture.domain.errors import Transient

_POSTGRESQL = ("08", "53", "57P", "58")
"""Classes of SQLSTATE: no connection, out of resources, shutting down or starting up, system error."""

_SQLITE = frozenset({5, 6, 10, 13, 14})
"""Primary result codes: BUSY, LOCKED, IOERR, FULL, CANTOPEN."""


@contextmanager
def told_apart() -> Iterator[None]:
    """What will pass by itself is raised as Transient; what will not, as it is."""
    try:
        yield
    except DBAPIError as error:
        if not _passes(error):
            raise
        raise Transient("database_away", str(error.orig).partition("\n")[0]) from error
    except ConnectionError as error:
        raise Transient("database_away", type(error).__name__) from error


def _passes(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(_POSTGRESQL)
    code = getattr(error.orig, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _SQLITE
