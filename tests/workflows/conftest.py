"""Temporal for tests: the time-skipping server, one per test, with the real workflows and activities."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from embedded.skipping import skipping_server
from tests.support.emptied import Emptied
from tests.support.temporal import Stage


@pytest.fixture
def stage_url(request: pytest.FixtureRequest) -> str | None:
    """Of the stage's database, if not the file in its folder: where it is PostgreSQL's turn of a test `ON_BOTH`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    emptied: Emptied = request.getfixturevalue("emptied")
    return emptied.url()


@pytest.fixture
async def stage(
    tmp_path: Path, sqlite_template: Path, stage_url: str | None
) -> AsyncIterator[Stage]:
    shutil.copy(sqlite_template, tmp_path / Stage.FILE)
    environment = await skipping_server()
    async with environment, Stage.open(environment, tmp_path, url=stage_url) as stage:
        yield stage
