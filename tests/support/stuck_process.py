"""A worker whose only activity never ends: `python -m tests.support.stuck_process ADDRESS QUEUE`, to be killed."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from workflows.heartbeats import Heartbeats

HEARTBEAT, EVERY = timedelta(seconds=1.5), timedelta(seconds=0.3)


@workflow.defn
class Look:
    @workflow.run
    async def run(self) -> int:
        """Which attempt came through."""
        attempt: int = await workflow.execute_activity(
            "look",
            start_to_close_timeout=timedelta(minutes=2),
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=0.2)),
        )
        return attempt


def worker(
    client: Client,
    queue: str,
    wait: Callable[[], Awaitable[object]],
    every: timedelta = EVERY,
) -> Worker:
    """One whose look is a wait for that, and tells which attempt began it."""

    @activity.defn
    async def look() -> int:
        await wait()
        return activity.info().attempt

    return Worker(
        client,
        task_queue=queue,
        workflows=[Look],
        activities=[look],
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[Heartbeats(every)],
        max_heartbeat_throttle_interval=every,
        max_cached_workflows=0,  # or the dead worker's own queue is waited for, too
    )


async def main(address: str, queue: str) -> None:
    await worker(await Client.connect(address), queue, lambda: asyncio.sleep(3600)).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
