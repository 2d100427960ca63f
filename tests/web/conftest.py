"""A world of fakes and a client for each test."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn

from nurture.playbook.source import read_files
from nurture.store.database import Database
from nurture.versions.shelf import Shelf
from tests.support.domain import NOW
from tests.support.filled import fill
from tests.support.house import House
from tests.support.web import SETTINGS, World, connect
from tests.support.world import World as HouseWorld


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(world.app()) as found:
        yield found


@pytest.fixture(scope="session")
def shipped(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which the repository's own playbook is in force, to copy."""
    file = Path(shutil.copy(sqlite_template, tmp_path_factory.mktemp("shipped") / "nurture.db"))

    async def apply() -> None:
        db = Database(f"sqlite+aiosqlite:///{file}", pool=1)
        await Shelf(db).apply(read_files(Path(__file__).parents[2]), "tests", NOW)
        await db.close()

    asyncio.run(apply())
    return file


@asynccontextmanager
async def _house(file: Path) -> AsyncIterator[House]:
    db = Database(f"sqlite+aiosqlite:///{file}", pool=3)
    yield House(HouseWorld(db, Shelf(db)))
    await db.close()


@pytest.fixture
async def sqlite_house(shipped: Path, tmp_path: Path) -> AsyncIterator[House]:
    """The real house over a database of its own, with the repository's playbook."""
    async with _house(Path(shutil.copy(shipped, tmp_path / "nurture.db"))) as house:
        yield house


@pytest.fixture(scope="session")
def filled(shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a house in which something goes on, to copy."""
    file = Path(shutil.copy(shipped, tmp_path_factory.mktemp("filled") / "nurture.db"))

    async def work() -> None:
        async with _house(file) as house:
            await fill(house)
            await house.world.outbox.drain()

    asyncio.run(work())
    return file


@pytest.fixture
async def busy(filled: Path, tmp_path: Path) -> AsyncIterator[House]:
    """The house in which something goes on, over a database of its own."""
    async with _house(Path(shutil.copy(filled, tmp_path / "nurture.db"))) as house:
        yield house


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[tuple[World, str]]:
    """The app on a port of its own, in a thread, as the Python client needs it."""
    world = World(getattr(request, "param", SETTINGS), at=datetime.now(UTC))
    config = uvicorn.Config(world.app(), port=0, log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    started = threading.Event()

    async def serve() -> None:
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        started.set()
        await server.main_loop()
        await server.shutdown()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(10)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield world, f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
