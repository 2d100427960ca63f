"""A world of fakes and a client for each test."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import httpx
import pytest
import uvicorn

from tests.support.web import SETTINGS, World, connect


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(world.app()) as found:
        yield found


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
