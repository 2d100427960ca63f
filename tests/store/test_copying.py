"""From one database into another: every row of every table, or none."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, null, select, text
from sqlalchemy.engine import make_url

from nurture.domain.errors import InputError, StartError
from nurture.store import migrate
from nurture.store.copying import copy
from nurture.store.database import Database
from nurture.store.declared import METADATA
from nurture.store.tables import LeadRow
from tests.support.domain import NOW
from tests.support.fresh import Fresh

ROWS = 5
"""In each table; three pages of two."""

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def _value(table: Table, name: str, number: int) -> Any:
    """Unlike that of any other row, but for a reference, which is to the row of the same number."""
    column = table.columns[name]
    for key in column.foreign_keys:
        return _value(key.column.table, key.column.name, number)
    if column.nullable and number == ROWS:
        return null()
    kind = getattr(column.type, "impl", column.type).python_type
    if kind is datetime:
        return NOW + timedelta(microseconds=number)
    values: dict[type, Any] = {
        str: f"{name} {'Æg'[number % 2]}{number}",
        int: number * 10,
        bool: number % 2 == 0,
    }
    return values.get(kind, {"b": [number, None, "ø"], "a": number / 7})


async def _fill(db: Database, tables: Iterable[Table] = METADATA.sorted_tables) -> None:
    async with db.write() as session:
        for table in tables:
            for number in range(1, ROWS + 1):
                row = {name: _value(table, name, number) for name in list(table.c.keys())}
                await session.execute(insert(table).values(row))


async def _rows(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """By table, and of a value that may be missing whether it is."""
    async with db.read() as session:
        return {
            table.name: sorted(
                (
                    tuple(row)
                    for row in await session.execute(
                        select(table, *(each.is_(None) for each in table.c if each.nullable))
                    )
                ),
                key=repr,
            )
            for table in METADATA.sorted_tables
        }


async def test_every_row_comes_over_from_sqlite_to_postgresql_and_back(
    db: Database, fresh: Fresh
) -> None:
    told: list[tuple[str, int]] = []
    async with fresh() as source:
        await _fill(source)
        kept = await _rows(source)
        copied = await copy(source, db, lambda table, rows: told.append((table, rows)), page=2)
    assert copied == dict.fromkeys(METADATA.tables, ROWS)
    assert told[:3] == [(METADATA.sorted_tables[0].name, rows) for rows in (2, 4, 5)]
    assert await _rows(db) == kept
    async with fresh() as back:
        await copy(db, back, page=2)
        assert await _rows(back) == kept


async def test_rows_that_come_after_a_copy_are_numbered_behind_those_that_came_with_it(
    db: Database, fresh: Fresh
) -> None:
    numbered = [each for each in METADATA.sorted_tables if each.autoincrement_column is not None]
    async with fresh() as source:
        await _fill(source)
        await copy(source, db)
    assert numbered
    async with db.write() as session:
        for table in numbered:
            row = {name: _value(table, name, 1) for name in list(table.c.keys()) if name != "id"}
            await session.execute(insert(table).values(row))
            assert await session.scalar(select(func.max(table.c.id))) == ROWS * 10 + 1


async def test_a_database_that_has_rows_is_not_copied_into(db: Database, fresh: Fresh) -> None:
    async with db.write() as session:
        session.add(LeadRow(id="a", stage="lead", created_at=NOW))
    async with fresh() as source:
        await _fill(source)
        with pytest.raises(InputError) as refused:
            await copy(source, db)
    assert str(refused.value) == (
        "the target has rows already, in the table lead; nothing was copied, name an empty database"
    )
    found = await _rows(db)
    assert [name for name, rows in found.items() if rows] == ["lead"]
    assert len(found["lead"]) == 1


async def test_a_copy_that_fails_leaves_the_target_empty(db: Database, fresh: Fresh) -> None:
    async with fresh() as source:
        await _fill(source)
        async with source.write() as session:
            session.add(LeadRow(id="z", stage="le\0ad", created_at=NOW))
        with pytest.raises(InputError) as refused:
            await copy(source, db)
    assert str(refused.value) == (
        "the table lead: a row holds a character that cannot be kept; nothing was copied"
    )
    assert not any((await _rows(db)).values())


async def test_a_reference_to_nothing_is_named_and_leaves_the_target_empty(
    db: Database, fresh: Fresh
) -> None:
    """As hands may leave one in a SQLite file: it asks for none that is not told to."""
    async with fresh() as source:
        with closing(sqlite3.connect(str(source.engine.url.database))) as by_hand:
            by_hand.execute(
                "INSERT INTO identity (kind, value, lead_id, by_browser) VALUES ('user', 'u', 'x', 0)"
            )
            by_hand.commit()
        with pytest.raises(InputError) as refused:
            await copy(source, db)
    assert str(refused.value).startswith("the table identity: ")
    assert str(refused.value).endswith("; nothing was copied")
    assert not any((await _rows(db)).values())


async def test_only_databases_of_this_release_are_copied(db: Database, fresh: Fresh) -> None:
    async with fresh() as source:
        await migrate.downgrade(source, "0040")
        with pytest.raises(StartError, match=r"is at 0040, this version needs .*; run `nurture"):
            await copy(source, db)
        with pytest.raises(StartError) as behind:
            await copy(db, source)
        assert str(behind.value) == (
            f"the target's database schema is at 0040, this version needs {migrate.newest()}; "
            "run `nurture db upgrade` with NURTURE_DATABASE_URL set to it"
        )
        await migrate.downgrade(source, "base")
        with pytest.raises(StartError, match="the target's database schema is at nothing, "):
            await copy(db, source)
        await migrate.upgrade(source)
        async with source.write() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        for one, other in ((source, db), (db, source)):
            with pytest.raises(StartError) as newer:
                await copy(one, other)
            assert str(newer.value) == (
                "one of the databases is at the schema 9999 of a newer release; copy with that one"
            )


@pytest.mark.parametrize(
    ("elsewhere", "why"),
    [
        ({"host": "127.0.0.1", "port": 1, "query": {}}, "ConnectionRefusedError"),
        ({"database": "nowhere"}, '"nowhere"'),
        ({"username": "nobody"}, '"nobody"'),
    ],
)
async def test_a_target_that_cannot_be_used_is_told_from_the_source(
    postgres: str, db: Database, elsewhere: dict[str, Any], why: str
) -> None:
    url = make_url(postgres).set(**elsewhere)
    nowhere = Database(url.render_as_string(hide_password=False), pool=1)
    with pytest.raises(StartError) as refused:
        await copy(db, nowhere)
    assert str(refused.value).startswith("the target: the database cannot be used: ")
    assert why in str(refused.value)
    await nowhere.close()
