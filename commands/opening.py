"""What verbs that work on the database open, and close."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nurture import logs, settings
from nurture.domain.errors import StartError
from nurture.reports import Reports
from nurture.settings import Settings
from nurture.store import migrate
from nurture.store.away import needed
from nurture.store.database import Database
from nurture.versions.shelf import Shelf


def load() -> Settings:
    """The settings. A verb's output is for people, so only warnings are logged."""
    config = settings.load()
    logs.configure("WARNING")
    return config


@asynccontextmanager
async def database(config: Settings) -> AsyncIterator[Database]:
    """The database as it is, whatever its schema. Raises StartError when it cannot be used."""
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"the data folder {config.data_dir}: {error.strerror}") from error
    db = Database(config.database)
    try:
        with needed():
            yield db
    finally:
        await db.close()


@asynccontextmanager
async def reports(config: Settings) -> AsyncIterator[Reports]:
    """The figures. Needs no Temporal and no secrets. Raises StartError when the schema is behind."""
    async with database(config) as db:
        await migrate.require_current(db)
        yield Reports(db, Shelf(db, config.pace))
