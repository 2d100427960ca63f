"""One statement for many rows, each a tuple as the driver wants it.

SQLAlchemy makes a dictionary of every row first, which costs more than the insert.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Update
from sqlalchemy.ext.asyncio import AsyncSession

Row = tuple[Any, ...]


async def execute(
    session: AsyncSession, statement: Insert | Update, names: tuple[str, ...], rows: Sequence[Row]
) -> None:
    """Run it for each row; `names` says what stands where in a row."""
    if rows:
        connection = await session.connection()
        prepared = _prepared(statement, names, connection.dialect)
        await connection.run_sync(Connection.exec_driver_sql, prepared.text, prepared.bound(rows))


@dataclass(frozen=True, slots=True)
class _Prepared:
    """`places`: where in a row each parameter stands, and how its value is made the driver's."""

    text: str
    places: Sequence[tuple[int, Callable[[Any], Any] | None]]

    def bound(self, rows: Sequence[Row]) -> list[Row]:
        columns = list(zip(*rows, strict=True))
        values = (map(made, columns[at]) if made else columns[at] for at, made in self.places)
        return list(zip(*values, strict=True))


@lru_cache(64)
def _prepared(statement: Insert | Update, names: tuple[str, ...], dialect: Dialect) -> _Prepared:
    compiled = statement.compile(dialect=dialect, column_keys=names)
    order: Sequence[str] = compiled.positiontup or ()
    kinds = [compiled.binds[name].type.dialect_impl(dialect) for name in order]
    places = [
        (names.index(name), kind.bind_processor(dialect))
        for name, kind in zip(order, kinds, strict=True)
    ]
    return _Prepared(str(compiled), places)
