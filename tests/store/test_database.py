"""Transactions and migrations, on both databases."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from nurture.domain.errors import StartError
from nurture.store import migrate, online
from nurture.store.address import place
from nurture.store.database import Database
from nurture.store.tables import LeadRow
from tests.support.domain import COPENHAGEN, NOW
from tests.support.postgres import stands_in_line

SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
"""https://www.postgresql.org/docs/current/protocol-message-formats.html"""

ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


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


async def test_a_release_goes_on_with_a_schema_that_a_newer_one_brought_further(
    db: Database,
) -> None:
    async with db.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await migrate.require_current(db)
    await migrate.upgrade(db)
    assert await migrate.current(db) == "9999"
    with pytest.raises(StartError) as told:
        await migrate.downgrade(db, "base")
    assert str(told.value) == (
        "the database schema is at 9999 and cannot be taken back to base: Can't locate revision identified by "
        "'9999'; the release that brought it there knows the way"
    )


async def test_upgrades_at_the_same_moment_are_one(database_url: str, db: Database) -> None:
    await migrate.downgrade(db, "0018")
    others = [Database(database_url, pool=1) for _ in range(2)]
    await asyncio.gather(*(migrate.upgrade(other) for other in others))
    await migrate.require_current(db)
    await asyncio.gather(*(other.close() for other in others))


@ON_POSTGRESQL
async def test_nobody_stands_behind_a_migration_that_waits_for_a_long_report(
    database_url: str, db: Database
) -> None:
    await migrate.downgrade(db, "0009")
    report = db.read()
    reading = await report.__aenter__()
    await reading.execute(text("SELECT count(*) FROM enrolment"))
    upgrading = asyncio.create_task(asyncio.to_thread(asyncio.run, _upgraded(database_url)))
    async with asyncio.timeout(60):
        await stands_in_line(db)
        async with db.read() as session:
            await session.execute(text("SELECT count(*) FROM enrolment"))
    assert not upgrading.done()
    await report.__aexit__(None, None, None)
    await upgrading
    await migrate.require_current(db)


@ON_POSTGRESQL
async def test_an_index_is_made_behind_a_report_that_takes_longer_than_any_statement_may(
    database_url: str, db: Database
) -> None:
    await migrate.downgrade(db, "0023")
    async with db.write() as session:
        name = await session.scalar(text("SELECT current_database()"))
        await session.execute(text(f"ALTER DATABASE \"{name}\" SET statement_timeout = '500ms'"))
    async with asyncio.timeout(60), db.read() as report:
        await report.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        await report.execute(text("SELECT 1"))
        upgrading = asyncio.create_task(asyncio.to_thread(asyncio.run, _upgraded(database_url)))
        await stands_in_line(db)
        await asyncio.sleep(0.7)  # longer than any statement may take
        assert not upgrading.done()
    await upgrading
    await migrate.require_current(db)


@ON_POSTGRESQL
async def test_a_migration_gives_up_on_a_table_that_is_always_in_use(db: Database) -> None:
    change = text("ALTER TABLE enrolment ADD COLUMN more INTEGER")
    async with db.read() as report, db.engine.connect() as connection:
        await report.execute(text("SELECT count(*) FROM enrolment"))
        with pytest.raises(StartError) as told:
            await connection.run_sync(online.patiently, lambda sync: sync.execute(change), turns=1)
    assert str(told.value) == (
        "a table that has to be changed was in use all the time: by a long report, a backup or a transaction "
        "left open; run `nurture db upgrade` again when it is over"
    )


async def _upgraded(url: str) -> None:
    db = Database(url, pool=1)
    await migrate.upgrade(db)
    await db.close()


async def test_an_error_tells_no_data(db: Database) -> None:
    with pytest.raises(DBAPIError) as told:
        async with db.write() as session:
            await session.execute(text("INSERT INTO nowhere VALUES (:name)"), {"name": "Anna"})
    assert "Anna" not in str(told.value)


@ON_POSTGRESQL
async def test_postgresql_takes_back_the_locks_of_a_machine_that_vanished(db: Database) -> None:
    async with db.read() as session:
        setting = await session.execute(text("SHOW idle_in_transaction_session_timeout"))
        assert setting.scalar_one() == "1min"


async def test_the_migrations_make_exactly_the_tables_the_code_declares(db: Database) -> None:
    async with db.engine.connect() as connection:
        found = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    declared = set(LeadRow.metadata.tables)
    assert found - {"alembic_version"} == declared


async def test_a_wrong_database_url_is_refused_naming_the_setting() -> None:
    with pytest.raises(StartError, match="NURTURE_DATABASE_URL"):
        Database("nosuchdb://x")


@pytest.mark.parametrize(
    "rest",
    [
        "p@ss:S3cret@db/n",
        "S3cret@ss@db/n",
        "S3cret@db:abc/n",
        "S3cret@db:99999/n",
        "S3cret@db:0/n",
        "S3cret@d..b/n",
    ],
)
@pytest.mark.parametrize("act", [Database, place])
def test_a_password_that_is_not_encoded_is_not_told_to_the_log(
    act: Callable[[str], object], rest: str
) -> None:
    with pytest.raises(StartError) as refused:
        act(f"postgresql+asyncpg://nurture:{rest}")
    assert str(refused.value) == (
        "NURTURE_DATABASE_URL cannot be read: it is postgresql+asyncpg://user:password@host:port/name;"
        " in the password write %40 for @, %3A for : and %2F for /"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "ssl=true",
            "NURTURE_DATABASE_URL: sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full",
        ),
        (
            "sslrootcert=ca.crt",
            "NURTURE_DATABASE_URL: sslrootcert cannot stand behind its ?; sslmode can,"
            " and PGSSLROOTCERT names the file of certificates",
        ),
        (
            "sslmode=verify-full",
            "NURTURE_DATABASE_URL: sslmode=verify-full needs certificates, and gone.crt is no file;"
            " PGSSLROOTCERT names one, such as /etc/ssl/certs/ca-certificates.crt",
        ),
    ],
)
def test_how_the_way_to_the_database_cannot_be_encrypted_is_told(
    monkeypatch: pytest.MonkeyPatch, words: str, told: str
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", "gone.crt")
    with pytest.raises(StartError) as refused:
        Database(f"postgresql+asyncpg://nurture@db/n?{words}")
    assert str(refused.value) == told


async def test_a_database_is_found_by_the_words_behind_the_question_mark_too() -> None:
    url = "postgresql+asyncpg:///nurture?database=n&direct_tls=1&host=%2Frun%2Fpostgresql&user=nurture"
    db = Database(url)
    await db.close()
    assert place(f"{url}&password=secret") == url


async def test_the_database_url_asks_for_tls_by_libpqs_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readexactly(len(SSL_REQUEST)))
        writer.write(b"N")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        db = Database(f"postgresql+asyncpg://nurture:x@127.0.0.1:{port}/n?sslmode=require", pool=1)
        assert await db.ping() == "the database does not answer: ConnectionError"
        await db.close()
    assert asked == [SSL_REQUEST]
