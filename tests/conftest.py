"""Databases for all tests: the same suite runs on SQLite and PostgreSQL."""

import asyncio
import gc
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from nurture.outbox import HAND_OVER
from nurture.store import migrate
from nurture.store.database import Database
from tests.support.emptied import Emptied
from tests.support.fresh import Fresh
from tests.support.postgres import own_server

# How long an example takes, to run or to draw, says more of the machine than of the code.
hypothesis.settings.register_profile(
    "nurture", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("nurture")

# A quarter of the whole time went into looking through what other tests keep for what nobody needs any more.
gc.set_threshold(50_000, 20, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in the order in which xdist hands them out: what takes long first, so that in the end no process idles
    while another is still in the middle of it; then, as xdist would, by the number of their tests."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    number = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in long, -number[item.path]))


UNSWEPT = """DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = false)', name);
  END LOOP;
END $$"""
"""Rows of a test would stand where those of tests before were swept away, in another order than they came."""

TEMPLATE = f"template_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real PostgreSQL: the one of NURTURE_TEST_DATABASE_URL, else one of our own."""
    given = os.environ.get("NURTURE_TEST_DATABASE_URL")
    if given:
        asyncio.run(_make_template(given))
        yield given
        return
    with own_server() as url:
        # No power fails while a test runs, and to wait for the disk takes longer than most of them.
        asyncio.run(_execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"))
        asyncio.run(_make_template(url))
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty, migrated database of each kind: the same for every test of a process (see `opened`)."""
    if request.param == "sqlite":
        return _copied(request.getfixturevalue("sqlite_template"))
    emptied: Emptied = request.getfixturevalue("emptied")
    return emptied.url()


@pytest.fixture(scope="session")
def emptied(postgres: str) -> Iterator[Emptied]:
    found = Emptied(postgres, TEMPLATE)
    yield found
    found.close()


@pytest.fixture(scope="session")
def opened() -> dict[str, Database]:
    """By URL. What is made of a statement is kept with the engine: to make it anew in each test was a tenth of all."""
    return {}


@pytest.fixture
async def db(database_url: str, opened: dict[str, Database]) -> AsyncIterator[Database]:
    async with _opened(opened, database_url) as database:
        yield database
        await asyncio.gather(
            *(task for task in asyncio.all_tasks() if task.get_name() == HAND_OVER)
        )


@pytest.fixture
def fresh(sqlite_template: Path, opened: dict[str, Database]) -> Fresh:
    return lambda: _opened(opened, _copied(sqlite_template))


def _copied(template: Path) -> str:
    file = template.with_name("copy.db")
    for old in template.parent.glob(f"{file.name}*"):
        old.unlink()
    shutil.copy(template, file)
    return f"sqlite+aiosqlite:///{file}"


@asynccontextmanager
async def _opened(opened: dict[str, Database], url: str) -> AsyncIterator[Database]:
    if url not in opened:
        opened[url] = Database(url, pool=3)
    try:
        yield opened[url]
    finally:
        await opened[url].close()


async def _make_template(server: str) -> None:
    await _execute(server, f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}")
    await _migrate(_named(server, TEMPLATE))
    await _execute(_named(server, TEMPLATE), UNSWEPT)


async def _migrate(url: str) -> None:
    database = Database(url, pool=1)
    await migrate.upgrade(database)
    await database.close()


async def _execute(url: str, *statements: str) -> None:
    admin = Database(url, pool=1)
    async with admin.engine.connect() as connection:
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            await plain.execute(text(statement))
    await admin.close()


def _named(server: str, database: str) -> str:
    """The URL of another database of the same server."""
    return make_url(server).set(database=database).render_as_string(hide_password=False)
