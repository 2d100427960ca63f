"""A wake-up that comes while a workflow takes its last look is not lost: nobody repeats it."""

from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.worker import Worker

from activities import queues
from activities.contract import ADVANCE_ENROLMENT, ADVANCE_HANDOVER, SYNC_AUDIENCE, Next
from embedded.skipping import skipping_server
from workflows.audience_sync import AudienceSync
from workflows.enrolment import Enrolment
from workflows.handover import Handover

LOOKS: list[tuple[type, str, str]] = [
    (Enrolment, ADVANCE_ENROLMENT, queues.DECISIONS),
    (Handover, ADVANCE_HANDOVER, queues.WEBHOOKS),
    (AudienceSync, SYNC_AUDIENCE, queues.ADS),
]


@pytest.mark.parametrize(("kind", "name", "part"), LOOKS, ids=[kind.__name__ for kind, *_ in LOOKS])
async def test_news_during_the_last_look_is_looked_at(kind: Any, name: str, part: str) -> None:
    looks = 0
    async with await skipping_server() as environment, AsyncExitStack() as workers:
        client, queue, id_ = environment.client, f"q-{uuid4().hex}", f"w-{uuid4().hex}"

        @activity.defn(name=name)
        async def look(key: str) -> Next:
            nonlocal looks
            looks += 1
            if looks == 1:
                await client.get_workflow_handle(id_).signal("wake")
            return Next(done=True)

        where = queues.named(queue, part)
        for each in {queue, where}:
            workflows = [kind] if each == queue else []
            activities = [look] if each == where else []
            worker = Worker(client, task_queue=each, workflows=workflows, activities=activities)
            await workers.enter_async_context(worker)
        await client.execute_workflow(kind.run, "key", id=id_, task_queue=queue)
    assert looks == 2
