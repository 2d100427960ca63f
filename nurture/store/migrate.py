"""Bringing a database to the schema this code expects, and refusing to run on one that is behind."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.errors import StartError
from nurture.store.away import needed
from nurture.store.database import Database

_SCRIPTS = Path(__file__).parent / "migrations"


async def upgrade(db: Database, revision: str = "head") -> None:
    """Apply what is missing. Harmless on a database that is up to date."""
    await _run(db, lambda config: command.upgrade(config, revision))


async def downgrade(db: Database, revision: str) -> None:
    """Take schema versions back, down to `revision` (`base` is the empty database)."""
    await _run(db, lambda config: command.downgrade(config, revision))


async def current(db: Database) -> str | None:
    """The database's schema version; None for an empty database. Raises StartError when it does not answer."""
    with needed():
        async with db.engine.connect() as connection:
            return await connection.run_sync(
                lambda sync: MigrationContext.configure(sync).get_current_revision()
            )


@cache
def newest() -> str | None:
    """The schema version this code expects."""
    return ScriptDirectory.from_config(_config()).get_current_head()


async def require_current(db: Database) -> None:
    """Raises StartError, saying what to run, unless the schema is the expected one."""
    found, wanted = await current(db), newest()
    if found != wanted:
        raise StartError(
            f"the database schema is at {found or 'nothing'}, this version needs {wanted}; "
            "run `nurture db upgrade`"
        )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


async def _run(db: Database, step: Callable[[Config], None]) -> None:
    with needed():
        async with db.engine.connect() as connection, _rebuilding(db, connection):
            await connection.execution_options(nurture_write=True)
            await connection.run_sync(lambda sync: step(_config(sync)))
            await connection.commit()


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
