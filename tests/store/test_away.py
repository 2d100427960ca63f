"""A database that is away for a while is told from one that something is wrong with."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from nurture.domain.errors import InputError, Transient
from nurture.store.away import told_apart
from nurture.store.database import Database
from nurture.store.tables import LeadRow
from tests.support.postgres import OwnServer, own_postgres


async def answers(db: Database) -> int:
    async with db.read() as session:
        return int((await session.execute(text("SELECT 1"))).scalar_one())


async def killed_while_writing(db: Database, server: OwnServer) -> None:
    async with db.write() as session:
        await server.lose()
        await session.execute(text("SELECT 1"))


async def test_a_killed_postgresql_is_away_and_then_answers_again() -> None:
    with own_postgres() as server:
        db = Database(server.url)
        assert await answers(db) == 1
        await server.lose()
        for _ in range(3):
            with pytest.raises(Transient, match="database_away"):
                await answers(db)
        said = await db.ping()
        assert said
        assert "does not answer" in said
        await server.restore()
        assert await answers(db) == 1
        await db.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_character_that_postgresql_does_not_keep_is_the_askers_fault(db: Database) -> None:
    with pytest.raises(InputError, match="holds a character that cannot be kept"):
        async with db.read() as session:
            await session.get(LeadRow, "nobody\0")


async def test_a_database_whose_socket_is_not_there_yet_is_away(tmp_path: Path) -> None:
    db = Database(f"postgresql+asyncpg://postgres:@/postgres?host={tmp_path}")
    with pytest.raises(Transient, match="database_away"):
        await answers(db)
    await db.close()


def test_a_file_that_is_missing_while_the_database_is_asked_is_no_outage() -> None:
    with pytest.raises(FileNotFoundError), told_apart():
        Path("/nowhere").read_text(encoding="utf-8")


async def test_a_database_killed_in_the_middle_of_a_transaction_is_away() -> None:
    with own_postgres() as server:
        db = Database(server.url)
        with pytest.raises(Transient, match="database_away"):
            await killed_while_writing(db, server)
        await server.restore()
        assert await answers(db) == 1
        await db.close()


async def test_a_full_sqlite_is_away_and_takes_the_same_again_when_there_is_room(
    tmp_path: Path,
) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'small.db'}")
    async with db.write() as session:
        await session.execute(text("CREATE TABLE t (x TEXT)"))
        await session.execute(text("PRAGMA max_page_count = 4"))
    big = text("INSERT INTO t VALUES (zeroblob(100000))")
    with pytest.raises(Transient, match="full"):
        async with db.write() as session:
            await session.execute(big)
    async with db.write() as session:
        await session.execute(text("PRAGMA max_page_count = 100000"))
        await session.execute(big)
    await db.close()


async def test_a_mistake_in_a_statement_is_no_absence(db: Database) -> None:
    with pytest.raises(DBAPIError):
        async with db.read() as session:
            await session.execute(text("SELECT * FROM nowhere"))
