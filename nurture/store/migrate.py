"""Bringing a database to the schema this code expects, and refusing to run on one that is behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.errors import StartError
from nurture.store import online
from nurture.store.away import needed
from nurture.store.database import Database

_SCRIPTS = Path(__file__).parent / "migrations"

_LOCK = 0x6E757274
"""Of those that PostgreSQL keeps for whoever asks, by number: ours says "nurt"."""

_PAUSE = 0.2


async def upgrade(db: Database, revision: str = "head") -> None:
    """Apply what is missing. Harmless on a database that is up to date, or that a newer release brought further."""

    def step(connection: Connection) -> None:
        if behind(_at(connection)):
            command.upgrade(_config(connection), revision)

    await _run(db, lambda connection: online.patiently(connection, step))


async def downgrade(db: Database, revision: str) -> None:
    """Take schema versions back, down to `revision` (`base` is the empty database). Raises StartError when this
    release does not know the way."""

    def step(connection: Connection) -> None:
        try:
            command.downgrade(_config(connection), revision)
        except CommandError as error:
            raise StartError(
                f"the database schema is at {_at(connection) or 'nothing'} and cannot be taken back "
                f"to {revision}: {error}; the release that brought it there knows the way"
            ) from error

    await _run(db, step)


async def current(db: Database) -> str | None:
    """The database's schema version; None for an empty database. Raises StartError when it does not answer."""
    with needed():
        async with db.engine.connect() as connection:
            return await connection.run_sync(_at)


@cache
def newest() -> str:
    """The schema version this code expects."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


async def require_current(db: Database) -> None:
    """Raises StartError, saying what to run, when the schema is behind. One that a newer release brought further will
    do: its migrations take nothing away that this one needs, so a release can be changed, and taken back, at work."""
    found = await current(db)
    if behind(found):
        raise StartError(
            f"the database schema is at {found or 'nothing'}, this version needs {newest()}; "
            "run `nurture db upgrade`"
        )


def behind(found: str | None) -> bool:
    """Does a schema at that version lack something? Versions are numbered, with leading zeros."""
    return (found or "") < newest()


def _at(connection: Connection) -> str | None:
    """Asked in a transaction of its own: Alembic wants to begin those of its migrations itself."""
    found = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return found


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


async def _run(db: Database, step: Callable[[Connection], None]) -> None:
    with needed():
        async with db.engine.connect() as connection, _alone(db), _rebuilding(db, connection):
            await connection.execution_options(nurture_write=True)
            await connection.run_sync(step)
            await connection.commit()


@asynccontextmanager
async def _alone(db: Database) -> AsyncIterator[None]:
    """One process at a time changes the schema; the others find it done.

    PostgreSQL's lock is asked for again and again on a connection that is in no transaction meanwhile: an index made
    concurrently waits for every transaction that is older, also for one that waits for it.
    """
    if db.sqlite:
        async with db.turn():
            yield
        return
    async with db.engine.connect() as connection:
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        while True:
            if await plain.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
                break
            await asyncio.sleep(_PAUSE)
        try:
            yield
        finally:
            await plain.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})


@asynccontextmanager
async def _rebuilding(db: Database, connection: AsyncConnection) -> AsyncIterator[None]:
    """SQLite changes some tables by making them anew; what refers to the old one must not hold it back meanwhile.
    That is said outside any transaction, so to the driver itself."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    if db.sqlite:
        await driver.execute("PRAGMA foreign_keys=OFF")
    yield
    if db.sqlite:
        await driver.execute("PRAGMA foreign_keys=ON")
