"""Every migration, up and down, on a database with rows in every table: all of them are kept, but for what is counted
from others."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, insert, inspect, text

from nurture.store import migrate
from nurture.store.database import Database

_SCRIPTS = "nurture/store/migrations"

_COUNTED = {"lead": {"scored_by", "tally"}}
"""Columns that 0026 leaves to be counted anew from the touches, as it does the points in `score_entry`."""

Rows = Sequence[Mapping[str, Any]]


def _revisions() -> list[str]:
    """From the first to the newest."""
    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    return [script.revision for script in scripts][::-1]


@pytest.mark.long
async def test_rows_outlive_every_migration_up_and_down(db: Database) -> None:
    await migrate.downgrade(db, "base")
    seen: list[dict[str, Rows]] = [{}]
    schema = _Schema()
    for number, revision in enumerate(_revisions()):
        await migrate.upgrade(db, revision)
        _assert_kept(seen[-1], await _rows(db))
        await _add(db, number, seen[-1], schema)
        seen.append(await _rows(db))
    for revision, rows in zip(_revisions()[-2::-1], seen[-2::-1], strict=False):
        await migrate.downgrade(db, revision)
        _assert_kept(rows, await _rows(db))
    await migrate.upgrade(db)
    _assert_kept(seen[1], await _rows(db))


def _assert_kept(before: Mapping[str, Rows], after: Mapping[str, Rows]) -> None:
    """Every row of a table that is still there, in every column that is."""
    for table in before.keys() & after.keys() - {"score_entry"}:
        names = before[table][0].keys() & after[table][0].keys() - _COUNTED.get(table, set())
        kept = [{name: row[name] for name in names} for row in after[table]]
        assert all({name: row[name] for name in names} in kept for row in before[table]), table


class _Schema:
    """The tables as they are. To read all of them takes long, so only a migration that changes columns asks for it."""

    def __init__(self) -> None:
        self._read = MetaData()

    def tables(self, connection: Connection) -> list[Table]:
        found = inspect(connection).get_multi_columns().items()
        now = {name: {column["name"] for column in columns} for (_, name), columns in found}
        now.pop("alembic_version")
        if now != {table.name: {*table.c.keys()} for table in self._read.tables.values()}:
            self._read = MetaData()
            self._read.reflect(connection, only=lambda name, _: name != "alembic_version")
        return self._read.sorted_tables


async def _add(db: Database, number: int, before: Mapping[str, Rows], schema: _Schema) -> None:
    """Two rows in every table: a whole one, and one that a process of the release before writes meanwhile."""

    def add(connection: Connection) -> None:
        for table in schema.tables(connection):
            known = before[table.name][0].keys() if table.name in before else ()
            whole = {name: _value(table, name, number) for name in list(table.c.keys())}
            connection.execute(insert(table), whole)
            if known:
                old = {n: _value(table, n, 100 + number) for n in known if n in table.columns}
                connection.execute(insert(table), old)

    async with db.engine.connect() as connection:
        await connection.execution_options(nurture_write=True)
        await connection.run_sync(add)
        await connection.commit()


async def _rows(db: Database) -> dict[str, Rows]:
    """As the driver tells them, by table; those without a row are left out."""
    async with db.engine.connect() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        found = {
            name: [
                dict(row)
                for row in (await connection.execute(text(f'SELECT * FROM "{name}"'))).mappings()
            ]
            for name in names
            if name != "alembic_version"
        }
    return {name: rows for name, rows in found.items() if rows}


def _value(table: Table, name: str, number: int) -> Any:
    """Unlike that of any other row, but for a reference, which is to the row of the same number."""
    column = table.columns[name]
    for key in column.foreign_keys:
        return _value(key.column.table, key.column.name, number)
    kind = column.type.python_type
    if kind is datetime:
        return datetime.fromisoformat("2026-03-02T09:00:00+00:00").replace(
            tzinfo=None if not getattr(column.type, "timezone", False) else UTC, microsecond=number
        )
    values: dict[type, Any] = {str: f"{table.name}.{name}.{number}", int: number + 1, bool: True}
    return values.get(kind, {"number": number})
