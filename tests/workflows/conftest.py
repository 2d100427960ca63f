"""Temporal for tests: the time-skipping server, one per test, with the real workflows and activities."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.support.temporal import Stage, binary


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=binary("temporal-test-server")
    )
    async with environment, Stage.open(environment, tmp_path) as stage:
        yield stage
