"""Transactions and migrations, on both databases."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import inspect

from nurture.domain.errors import StartError
from nurture.store import migrate
from nurture.store.database import Database
from nurture.store.tables import LeadRow
from tests.support.domain import COPENHAGEN, NOW


async def _raise_fit(db: Database) -> None:
    async with db.write() as session:
        row = await session.get(LeadRow, "a", with_for_update=True)
        assert row is not None
        row.fit += 1


async def test_writers_that_meet_lose_nothing(db: Database) -> None:
    async with db.write() as session:
        session.add(LeadRow(id="a", stage="lead", created_at=NOW))
    await asyncio.gather(*(_raise_fit(db) for _ in range(30)))
    async with db.read() as session:
        row = await session.get(LeadRow, "a")
    assert row is not None
    assert row.fit == 30


async def test_a_transaction_that_raises_leaves_no_trace(db: Database) -> None:
    async def fail() -> None:
        async with db.write() as session:
            session.add(LeadRow(id="a", stage="lead", created_at=NOW))
            await session.flush()
            raise RuntimeError("the process fails here")

    with pytest.raises(RuntimeError):
        await fail()
    async with db.read() as session:
        assert await session.get(LeadRow, "a") is None


async def test_times_come_back_in_utc_whatever_zone_they_went_in_with(db: Database) -> None:
    async with db.write() as session:
        session.add(LeadRow(id="a", stage="lead", created_at=NOW.astimezone(COPENHAGEN)))
    async with db.read() as session:
        row = await session.get(LeadRow, "a")
    assert row is not None
    assert row.created_at == NOW
    assert row.created_at.utcoffset() == timedelta()


async def test_a_schema_that_is_behind_is_refused_with_what_to_run(db: Database) -> None:
    await migrate.downgrade(db, "base")
    with pytest.raises(
        StartError,
        match=(
            r"the database schema is at nothing, this version needs .*; run `nurture db upgrade`"
        ),
    ):
        await migrate.require_current(db)
    await migrate.upgrade(db)
    await migrate.require_current(db)


async def test_the_migrations_make_exactly_the_tables_the_code_declares(db: Database) -> None:
    async with db.engine.connect() as connection:
        found = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    declared = set(LeadRow.metadata.tables)
    assert found - {"alembic_version"} == declared


async def test_a_wrong_database_url_is_refused_naming_the_setting() -> None:
    with pytest.raises(StartError, match="NURTURE_DATABASE_URL"):
        Database("nosuchdb://x")
