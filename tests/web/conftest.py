"""A world of fakes and a client for each test."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.web import World, connect


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(world.app()) as found:
        yield found
