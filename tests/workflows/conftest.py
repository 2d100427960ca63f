"""Temporal for tests: the time-skipping server, one per test, with the real workflows and activities."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from embedded.skipping import skipping_server
from tests.support.temporal import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    environment = await skipping_server()
    async with environment, Stage.open(environment, tmp_path) as stage:
        yield stage
