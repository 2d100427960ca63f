"""The nightly comparison on a real Temporal server, whose list of workflows it reads."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from temporalio.client import WorkflowExecutionStatus

from activities.contract import Reconcile
from nurture.domain import keys
from nurture.store import upkeep
from nurture.store.tables import EnrolmentRow
from nurture.store.upkeep_tables import DriftRow
from nurture.upkeep.reconciling import GRACE, IDLE, LOST
from tests.support.both import ON_BOTH
from tests.support.temporal import Stage, dev_server
from workflows.runs import TemporalRuns
from workflows.schedules import UPKEEP, UPKEEP_AT, keep_upkeep
from workflows.upkeep import Upkeep


@pytest.fixture
async def stage(tmp_path: Path, stage_url: str | None) -> AsyncIterator[Stage]:
    """On the development server: the time-skipping one keeps no list."""
    environment = await dev_server()
    async with environment, Stage.open(environment, tmp_path, url=stage_url) as stage:
        yield stage


async def began_long_ago(stage: Stage) -> list[EnrolmentRow]:
    """The enrolments, as if they had begun before the grace that new ones have."""
    async with stage.world.db.write() as session:
        rows = await upkeep.active(session, "", await stage.now() + timedelta(days=1), 100)
        for row in rows:
            row.started_at -= 2 * GRACE
    return list(rows)


async def running(stage: Stage, run: EnrolmentRow) -> bool:
    handle = stage.client.get_workflow_handle(keys.enrolment_workflow(run.id))
    return (await handle.describe()).status == WorkflowExecutionStatus.RUNNING


async def listed(stage: Stage, *runs: EnrolmentRow) -> None:
    """Wait until the server's list, which lags behind, shows exactly these."""
    ids = {run.id for run in runs}
    for _ in range(50):
        if set((await TemporalRuns(stage.client).page("enrolment", ""))[0]) == ids:
            return
    raise AssertionError("the list never showed what runs")


async def compare(stage: Stage) -> dict[str, str]:
    """One night; what it found, by key."""
    await stage.client.execute_workflow(Upkeep.run, Reconcile(), id=UPKEEP, task_queue=stage.queue)
    await stage.world.outbox.drain()
    return {row.key: row.what for row in await stage.world.rows(DriftRow)}


@ON_BOTH
async def test_what_temporal_lost_begins_again_and_what_should_have_ended_ends(
    stage: Stage,
) -> None:
    for name in ("anna", "bo", "cy"):
        await stage.tell("form_submitted", email=f"{name}@example.org")
    await stage.world.outbox.drain()
    lost, over, fine = await began_long_ago(stage)
    await listed(stage, lost, over, fine)
    await stage.client.get_workflow_handle(keys.enrolment_workflow(lost.id)).terminate()
    async with stage.world.db.write() as session:
        row = await session.get(EnrolmentRow, over.id)
        assert row is not None
        row.ended, row.ended_at = "goal", row.started_at
    await listed(stage, over, fine)
    assert await compare(stage) == {lost.id: LOST, over.id: IDLE}
    await listed(stage, lost, fine)
    assert await running(stage, lost)
    assert not await running(stage, over)
    assert await compare(stage) == {lost.id: LOST, over.id: IDLE}, "nothing new the next time"


async def test_the_list_is_read_page_by_page(stage: Stage) -> None:
    for number in range(5):
        await stage.tell("form_submitted", email=f"l{number}@example.org")
    await stage.world.outbox.drain()
    rows = await began_long_ago(stage)
    await listed(stage, *rows)
    runs, seen, after, pages = TemporalRuns(stage.client, size=2), [], "", 0
    while pages == 0 or after:
        found, after = await runs.page("enrolment", after)
        seen, pages = [*seen, *found], pages + 1
    assert (sorted(seen), pages >= 3) == (sorted(row.id for row in rows), True)
    assert await runs.running("enrolment", [*(row.id for row in rows), "nobody"]) == set(seen)


async def test_the_comparison_is_made_every_night_on_the_companys_clock(stage: Stage) -> None:
    for _ in range(2):
        await keep_upkeep(stage.client, stage.queue, (await stage.now()).tzinfo)
    described = await stage.client.get_schedule_handle(UPKEEP).describe()
    first, second, *_ = described.info.next_action_times
    assert (first.hour, first.minute, second - first) == (4, 20, timedelta(days=1))


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Helsinki", date(2026, 3, 29)),
        ("Europe/Copenhagen", date(2026, 3, 29)),
        ("Africa/Cairo", date(2026, 4, 24)),
        ("America/New_York", date(2026, 3, 8)),
        ("America/Nuuk", date(2026, 3, 28)),
        ("Asia/Gaza", date(2026, 3, 28)),
    ],
)
def test_no_clock_leaves_out_the_comparison_in_the_night_it_is_put_forward(
    zone: str, day: date
) -> None:
    at = datetime.combine(day, UPKEEP_AT, ZoneInfo(zone))
    next_day = datetime.combine(day + timedelta(days=1), time(12), at.tzinfo)
    assert next_day.utcoffset() != datetime.combine(day, time(0), at.tzinfo).utcoffset()
    assert at.astimezone(UTC).astimezone(at.tzinfo).time() == UPKEEP_AT
