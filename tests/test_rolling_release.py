"""Doors of a release while the next one is rolled out, and while accounts are missing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

import worker
from nurture import settings
from nurture.domain.errors import Unreadable
from nurture.playbook.source import read_files
from nurture.settings import Settings
from nurture.store import migrate
from nurture.store.database import Database
from nurture.versions.shelf import Shelf
from services import Services, assemble
from tests.support import newer
from tests.support.domain import NOW
from workflows.worker import Workers

HERE = Path(__file__).parent.parent
FLOW = "config/flows/welcome.yaml"


@pytest.fixture
async def config(tmp_path: Path, sqlite_template: Path) -> Settings:
    """Without an account for the audiences of the playbook, which is in force."""
    config = settings.load(
        data_dir=tmp_path,
        secret_key=SecretStr("secret" * 6),
        sales_secret=SecretStr("whsec_" + "Q0ND" * 10),
        queues="webhooks",
    )
    async with database(config) as db:
        await migrate.upgrade(db)
        await Shelf(db).apply(read_files(HERE), "test", NOW)
    return config


@asynccontextmanager
async def database(config: Settings) -> AsyncIterator[Database]:
    db = Database(config.database)
    yield db
    await db.close()


async def roll_on(config: Settings) -> None:
    async with database(config) as db:
        await newer.put_in_force(db, read_files(HERE), FLOW)


class Followed:
    """Workers that only take note."""

    def __init__(self) -> None:
        self.senders: list[str] = []

    async def follow(self, rates: Mapping[str, float | None]) -> None:
        self.senders = list(rates)


async def looked(services: Services, workers: Followed, event: str) -> str:
    """What the worker's log says of a problem by its first look; it goes on."""
    stop = asyncio.Event()
    with capture_logs() as told:
        follows = asyncio.create_task(worker.following(services, cast(Workers, workers), stop))
        async with asyncio.timeout(20):
            while not told:
                assert not follows.done(), await follows
                await asyncio.sleep(0)
        stop.set()
        await follows
    [problem] = {str(line["problem"]) for line in told if line["event"] == event}
    return problem


async def test_a_running_process_says_that_the_playbook_is_of_a_newer_release(
    config: Settings,
) -> None:
    async with assemble(config, lazy=True) as services:
        assert await services.problems(beside_temporal=True) == []
        await roll_on(config)
        [problem] = await services.problems(beside_temporal=True)
        assert "needs a newer release of nurture than this one (config/flows/welcome" in problem
        assert await looked(services, Followed(), "playbook_not_followed") == problem


async def test_one_that_is_started_then_waits_for_another_playbook(config: Settings) -> None:
    await roll_on(config)
    with pytest.raises(Unreadable):
        async with assemble(config, lazy=True):
            pass
    waits = asyncio.create_task(_opened(config.model_copy(update={"patience": 30})))
    assert await asyncio.wait({waits}, timeout=1) == (set(), {waits})
    async with database(config) as db:
        await Shelf(db).apply(read_files(HERE), "test", NOW)
    await waits


async def _opened(config: Settings) -> None:
    async with assemble(config, lazy=True):
        pass


async def test_a_platform_without_an_account_keeps_nobody_from_serving_the_rest(
    config: Settings,
) -> None:
    async with assemble(config, lazy=True) as services:
        assert await services.problems(beside_temporal=True) == []
        workers = Followed()
        problem = await looked(services, workers, "account_missing")
        assert "is on meta, which is not configured; set NURTURE_META_TOKEN" in problem
        assert workers.senders
