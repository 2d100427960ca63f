"""Changing the schema while everybody goes on reading and writing."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

from nurture.domain.errors import StartError

_TURNS = 60
_TURN = "1s"
"""So long a migration stands in line for a table. Whoever comes later stands behind it, so it steps back then."""

_PAUSE = 1.0
"""Seconds in which those behind it pass."""

_LIMITS = ("lock_timeout", "statement_timeout")

_HELD = "55P03"
"""lock_not_available"""


def patiently(
    connection: sa.Connection, step: Callable[[sa.Connection], object], turns: int = _TURNS
) -> None:
    """Take a step that can be taken again, such as an upgrade, without holding anybody up behind a long report or
    a backup. Raises StartError when such a one does not end."""
    if connection.dialect.name == "sqlite":
        step(connection)
        return
    for turn in range(turns):
        time.sleep(_PAUSE if turn else 0)
        try:
            _stand_in_line(connection, _TURN)
            step(connection)
            _stand_in_line(connection, "0")
            return
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _HELD:
                raise
            connection.rollback()
    raise StartError(
        "a table that has to be changed was in use all the time: by a long report, a backup or a transaction "
        "left open; run `nurture db upgrade` again when it is over"
    )


def _stand_in_line(connection: sa.Connection, at_most: str) -> None:
    connection.execute(sa.text(f"SET lock_timeout = '{at_most}'"))
    connection.commit()


def create_index(
    name: str, table: str, columns: Sequence[str], where: str = "", on_sqlite: str = ""
) -> None:
    """Of the rows for which `where` holds, or of all; `on_sqlite` is the condition as SQLite gets it in statements,
    letter by letter, where it is another. PostgreSQL makes it outside any transaction; one that was broken off left an
    index that is not valid and stands in the way, so it is dropped first and the migration may be run again."""
    with _outside():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name,
            table,
            columns,
            sqlite_where=sa.text(on_sqlite or where) if where else None,
            postgresql_where=sa.text(where) if where else None,
            postgresql_concurrently=True,
        )


def drop_index(name: str, table: str) -> None:
    with _outside():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)


@contextmanager
def _outside() -> Iterator[None]:
    """Whoever makes an index concurrently has time: nobody stands behind it, and it waits for every report that began
    before. SQLite has one writer at a time, whatever is written."""
    context = op.get_context()
    if context.dialect.name == "sqlite":
        yield
        return
    with context.autocommit_block():
        at_most = {name: op.get_bind().scalar(sa.text(f"SHOW {name}")) for name in _LIMITS}
        for name in _LIMITS:
            op.execute(f"SET {name} = 0")
        yield
        for name, value in at_most.items():
            op.execute(f"SET {name} = '{value}'")
