"""A database that is away for a while is told from one that something is wrong with."""

import resource
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import QueuePool, create_engine, text
from sqlalchemy.exc import DBAPIError

from nurture.domain.errors import InputError, Transient
from nurture.store.away import told_apart
from nurture.store.database import Database
from nurture.store.tables import LeadRow
from tests.support.postgres import OwnServer, own_postgres

BACKEND = "SELECT pg_backend_pid()"


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


async def close_to_writing(server: OwnServer, value: str) -> None:
    """ "on" or "off": as a primary is after a failover, for whoever is still connected to it."""
    db = Database(server.url, pool=1)
    async with db.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f"ALTER SYSTEM SET default_transaction_read_only = {value}"))
        await connection.execute(text("SELECT pg_reload_conf()"))
    while (await told(db, "SHOW default_transaction_read_only")) != value:
        await db.close()  # a new connection is asked
    await db.close()


async def told(db: Database, question: str) -> str:
    async with db.read() as session:
        return str((await session.execute(text(question))).scalar_one())


async def test_a_postgresql_that_takes_no_changes_is_away_until_it_or_another_does() -> None:
    with own_postgres() as server:
        db = Database(server.url, pool=1)
        await close_to_writing(server, "on")
        for _ in range(2):
            with pytest.raises(Transient, match="database_away"):
                async with db.write() as session:
                    await session.execute(text("CREATE TABLE t (x TEXT)"))
        await close_to_writing(server, "off")
        async with db.write() as session:
            await session.execute(text("CREATE TABLE t (x TEXT)"))
        await db.close()


async def test_who_is_asked_whether_it_is_ready_leaves_a_postgresql_that_takes_no_changes() -> None:
    with own_postgres() as server:
        db = Database(server.url, pool=1)
        former = await told(db, BACKEND)
        assert await db.ping() is None
        assert await told(db, BACKEND) == former
        await close_to_writing(server, "on")
        assert "takes no changes" in (await db.ping() or "")
        assert await told(db, BACKEND) != former
        await close_to_writing(server, "off")
        assert await db.ping() is None
        await db.close()


async def test_a_database_whose_connections_are_all_taken_does_not_answer(db: Database) -> None:
    async with AsyncExitStack() as taken:
        for _ in range(6):
            session = await taken.enter_async_context(db.read())
            await session.execute(text("SELECT 1"))
        assert await db.ping() == "the database does not answer within 2 s"
    assert await db.ping() is None


def test_who_waited_in_vain_for_a_connection_may_try_again() -> None:
    engine = create_engine(
        "sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0
    )
    with engine.connect(), pytest.raises(Transient, match="database_away"), told_apart():
        engine.connect()
    engine.dispose()


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


async def test_who_is_asked_whether_it_is_ready_says_that_a_sqlite_has_no_room_until_it_has(
    tmp_path: Path,
) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'n.db'}")
    async with db.write() as session:
        await session.execute(text("CREATE TABLE t (x TEXT)"))
        assert await db.ping() is None  # somebody writes just now
    assert await db.ping() is None
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        said = await db.ping()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert said
    assert said.startswith("the database takes no changes: ")
    assert await db.ping() is None
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
