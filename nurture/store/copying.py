"""Every row of one database into an empty one, such as those of a SQLite file that was outgrown into PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.errors import InputError, StartError
from nurture.store import migrate
from nurture.store.away import told_apart
from nurture.store.database import Database
from nurture.store.declared import METADATA

PAGE = 2_000
"""Rows that are in memory at a time."""

_OR_NULL = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""What is not there stays NULL; SQLAlchemy would write JSON's own `null`, which no condition takes for that."""


async def copy(
    source: Database,
    target: Database,
    tell: Callable[[str, int], None] = lambda table, rows: None,
    page: int = PAGE,
) -> dict[str, int]:
    """Rows copied, by table; all of them, or none when it raises. `tell` hears after each page how far a table is.

    Raises StartError when a schema is not the one of this release, InputError when the target has rows already, or
    cannot keep one of the source's.
    """
    await _require_schemas(source, target)
    copied = dict.fromkeys((table.name for table in METADATA.sorted_tables), 0)
    async with source.read() as origin, target.write() as session:
        await _require_empty(session)
        if not source.sqlite:
            await origin.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        if not target.sqlite:  # else the server has every reference in memory until the commit
            await session.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
        for table in METADATA.sorted_tables:
            async for rows in _pages(origin, table, page):
                await _write(session, table, rows)
                copied[table.name] += len(rows)
                tell(table.name, copied[table.name])
            if not target.sqlite:
                await _count_on(session, table)
    return copied


async def _require_schemas(source: Database, target: Database) -> None:
    """Exactly this release's: of one that a newer release brought further, what that one added would stay behind."""
    await migrate.require_current(source)
    try:
        at = await migrate.current(target)
    except StartError as error:
        raise StartError(f"the target: {error}") from error
    if migrate.behind(at):
        raise StartError(
            f"the target's database schema is at {at or 'nothing'}, this version needs {migrate.newest()}; "
            "run `nurture db upgrade` with NURTURE_DATABASE_URL set to it"
        )
    for found in (await migrate.current(source), at):
        if found != migrate.newest():
            raise StartError(
                f"one of the databases is at the schema {found} of a newer release; copy with that one"
            )


async def _require_empty(session: AsyncSession) -> None:
    for table in METADATA.sorted_tables:
        if (await session.execute(sa.select(sa.text("1")).select_from(table).limit(1))).first():
            raise InputError(
                f"the target has rows already, in the table {table.name}; nothing was copied, name an empty database"
            )


async def _pages(
    session: AsyncSession, table: sa.Table, size: int
) -> AsyncIterator[Sequence[sa.Row[Any]]]:
    """All rows in the order of their key, so that the next page costs the same however far it is."""
    key = sa.tuple_(*table.primary_key)
    query = sa.select(table).order_by(*table.primary_key).limit(size)
    rows = (await session.execute(query)).all()
    while rows:
        yield rows
        last = tuple(rows[-1]._mapping[column] for column in table.primary_key)
        rows = (await session.execute(query.where(key > last))).all()


async def _write(session: AsyncSession, table: sa.Table, rows: Sequence[sa.Row[Any]]) -> None:
    try:
        with told_apart():
            await session.execute(sa.insert(_written(table)), [dict(row._mapping) for row in rows])
    except InputError as error:
        raise InputError(f"a row {error}; nothing was copied", f"the table {table.name}") from error
    except sa.exc.IntegrityError as error:
        why = str(error.orig).partition("\n")[0]
        raise InputError(f"{why}; nothing was copied", f"the table {table.name}") from error


def _written(table: sa.Table) -> sa.TableClause:
    """With the types of the columns, but without what they make of a value that is not there."""

    def kind(each: sa.Column[Any]) -> Any:
        return _OR_NULL if isinstance(each.type, sa.JSON) else each.type

    return sa.table(table.name, *(sa.column(each.name, kind(each)) for each in table.columns))


async def _count_on(session: AsyncSession, table: sa.Table) -> None:
    """PostgreSQL numbers rows by a count of its own, which knows nothing of numbers that were given."""
    key = table.autoincrement_column
    if key is not None:
        sequence = sa.func.pg_get_serial_sequence(table.name, key.name)
        await session.execute(sa.select(sa.func.setval(sequence, sa.func.max(key))))
