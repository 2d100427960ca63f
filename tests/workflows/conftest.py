"""Temporal for tests: the time-skipping server, one per test, with the real workflows and activities."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from embedded.skipping import skipping_server
from tests.support.temporal import Stage


@pytest.fixture
async def stage(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Stage]:
    shutil.copy(sqlite_template, tmp_path / Stage.FILE)
    environment = await skipping_server()
    async with environment, Stage.open(environment, tmp_path) as stage:
        yield stage
