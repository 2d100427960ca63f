"""A worker that is killed in the middle of something is missed within seconds."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client, WorkflowHandle

from nurture.domain import keys
from nurture.store.tables import EnrolmentRow
from tests.support import stuck_process
from tests.support.stuck_process import HEARTBEAT, Look
from tests.support.temporal import Stage, dev_server
from workflows import heartbeats, policies

QUEUE = "looks"


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    environment = await dev_server()
    async with environment:
        yield environment.client


async def test_what_a_killed_worker_had_in_hand_is_soon_begun_again_and_nothing_else_is(
    client: Client,
) -> None:
    slow = stuck_process.worker(client, "slow", 1.5 * HEARTBEAT.total_seconds())
    words = ("-m", "tests.support.stuck_process", client.service_client.config.target_host, QUEUE)
    process = await asyncio.create_subprocess_exec(sys.executable, *words)
    async with slow, asyncio.timeout(60):
        alive = await client.start_workflow(Look.run, id="slow", task_queue="slow")
        killed = await client.start_workflow(Look.run, id="look", task_queue=QUEUE)
        await _under_way(killed)
        process.kill()
        await process.wait()
        async with stuck_process.worker(client, QUEUE, 0):
            assert await killed.result() > 1
        assert await alive.result() == 1


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


async def _under_way(handle: WorkflowHandle[Look, int]) -> None:
    """Returns once its activity has begun and told so at least once."""
    async with asyncio.timeout(30):
        while True:
            pending = (await handle.describe()).raw_description.pending_activities
            if any(each.HasField("last_heartbeat_time") for each in pending):
                return
