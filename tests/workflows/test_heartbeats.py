"""A worker that is killed in the middle of something is missed within seconds."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client, WorkflowHandle

from nurture.domain import keys
from nurture.store.tables import EnrolmentRow
from tests.support import stuck_process
from tests.support.stuck_process import HEARTBEAT, Look
from tests.support.temporal import Stage, dev_server
from workflows import heartbeats, policies

QUEUE = "looks"
_STARTED = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    environment = await dev_server()
    async with environment:
        yield environment.client


async def test_what_a_killed_worker_had_in_hand_is_soon_begun_again_and_nothing_else_is(
    client: Client,
) -> None:
    longer = 1.5 * HEARTBEAT.total_seconds()
    slow = stuck_process.worker(client, "slow", lambda: asyncio.sleep(longer))
    words = ("-m", "tests.support.stuck_process", client.service_client.config.target_host, QUEUE)
    process = await asyncio.create_subprocess_exec(sys.executable, *words)
    async with slow, asyncio.timeout(60):
        alive = await client.start_workflow(Look.run, id="slow", task_queue="slow")
        killed = await client.start_workflow(Look.run, id="look", task_queue=QUEUE)
        await _under_way(killed)
        process.kill()
        await process.wait()
        async with stuck_process.worker(client, QUEUE, lambda: asyncio.sleep(0)):
            assert await killed.result() > 1
        assert await alive.result() == 1


async def test_what_was_only_taken_for_dead_goes_on_and_is_not_begun_a_second_time(
    client: Client,
) -> None:
    begun, goes_on, seldom = [], asyncio.Event(), 1.2 * HEARTBEAT

    async def wait() -> None:
        begun.append("once")
        await goes_on.wait()

    async with stuck_process.worker(client, QUEUE, wait, seldom), asyncio.timeout(60):
        look = await client.start_workflow(Look.run, id="late", task_queue=QUEUE)
        await _under_way(look, lambda pending: pending.attempt > 2)
        assert begun == ["once"]
        goes_on.set()
        await look.result()


async def test_what_a_worker_that_stops_cannot_finish_is_broken_off(client: Client) -> None:
    ended = asyncio.Event()

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with stuck_process.worker(client, QUEUE, for_ever), asyncio.timeout(60):
        await _under_way(await client.start_workflow(Look.run, id="never", task_queue=QUEUE))
    assert ended.is_set()


async def test_each_look_at_a_lead_may_be_silent_for_some_beats_only(stage: Stage) -> None:
    await stage.tell("form_submitted")
    await stage.pass_time(timedelta(hours=1))
    [run] = await stage.world.rows(EnrolmentRow)
    handle = stage.client.get_workflow_handle(keys.enrolment_workflow(run.id))
    silent = [
        event.activity_task_scheduled_event_attributes.heartbeat_timeout.ToTimedelta()
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert set(silent) == {policies.HEARTBEAT}
    assert 3 * heartbeats.EVERY < policies.HEARTBEAT


async def _under_way(
    handle: WorkflowHandle[Look, int],
    is_so: Callable[[PendingActivityInfo], bool] = lambda pending: pending.HasField(
        "last_heartbeat_time"
    ),
) -> None:
    """Returns once its activity is in somebody's hands and it is so; unless told otherwise, that it beat once."""
    async with asyncio.timeout(30):
        while True:
            pending = (await handle.describe()).raw_description.pending_activities
            if any(each.state == _STARTED and is_so(each) for each in pending):
                return
