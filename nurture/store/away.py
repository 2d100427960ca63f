"""Is the database away for a while, or is something wrong? Judged once, here, for everybody who asks it anything."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree

from nurture.domain.errors import Contended, InputError, StartError, Transient

_POSTGRESQL = ("08", "25P03", "53", "55P03", "57014", "57P", "58")
"""SQLSTATE, or its beginning: no connection, silent in a transaction for too long, out of resources, a lock or a
statement took too long, shutting down or starting up, system error."""

_MET = ("40", "23505")
"""Two wait for each other, or made the same at the same time: a name that is new to both."""

_NO_TEXT = ("22021", "22P05")
"""A character that PostgreSQL keeps in no text: NUL, or half of one."""

_READ_ONLY = "25006"
"""It takes no changes: what was the primary is a standby now, or somebody closed it to writing."""

_LETS_NOBODY_IN = ("28", "3D000")
"""That user, password or database is not known there: PostgreSQL says so at the connection."""

_AWAY = "database_away"

_SQLITE = frozenset({5, 6, 8, 10, 13, 14})
"""Primary result codes: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN."""


@contextmanager
def told_apart() -> Iterator[None]:
    """What will pass by itself is raised as Transient; what will not, as it is, or as InputError where the asker is to
    blame."""
    try:
        yield
    except DBAPIError as error:
        if _is_of(error, _MET):
            raise Contended("database_contended", type(error.orig).__name__) from error
        if _is_of(error, _NO_TEXT):
            raise InputError("holds a character that cannot be kept") from error
        if not _passes(error):
            raise
        raise Transient(_AWAY, str(error.orig).partition("\n")[0]) from error
    except NoneFree as error:  # all connections are in use by who waits for the database
        raise Transient(_AWAY, "no connection became free in time") from error
    except OSError as error:
        if error.filename is not None:  # a file of somebody's, not the way to the database
            raise
        raise Transient(_AWAY, type(error).__name__) from error


@contextmanager
def needed() -> Iterator[None]:
    """For who can do nothing without the database: what keeps it from answering is raised as StartError."""
    try:
        with told_apart():
            yield
    except DBAPIError as error:
        if not (isinstance(error, OperationalError) or _is_of(error, _LETS_NOBODY_IN)):
            raise
        raise StartError(f"the database cannot be used: {error.orig}") from error
    except Transient as error:
        if error.reason != _AWAY:
            raise
        raise StartError(f"the database cannot be used: {error.detail}") from error


def leave_read_only(context: ExceptionContext) -> None:
    """A handler of the engine's errors. Whoever answers at the other end of the pool's connections is not the database
    any more: they count as broken, and the next are made to whoever the address leads to then."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def _passes(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    if _is_of(error, _POSTGRESQL):
        return True
    code = getattr(error.orig, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _SQLITE


def _is_of(error: DBAPIError, states: tuple[str, ...]) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return isinstance(state, str) and state.startswith(states)
