"""Workflows of leads that are under way must go on with today's code: kept histories replay."""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from workflows.client import WORKFLOWS

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def _kept(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(file.stem, file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_a_kept_history_replays(file: Path) -> None:
    await Replayer(workflows=WORKFLOWS).replay_workflow(_kept(file))


def test_every_workflow_has_a_kept_history() -> None:
    kept = {file.stem.replace("_", "") for file in HISTORIES}
    assert {workflow.__name__.lower() for workflow in WORKFLOWS} <= kept


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_a_kept_history_holds_ids_and_times_only(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "@" not in text
    assert "Anna" not in text
