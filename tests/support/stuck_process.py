"""A worker whose only activity never ends: `python -m tests.support.stuck_process ADDRESS QUEUE`, to be killed."""

import asyncio
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from workflows.heartbeats import Heartbeats

HEARTBEAT, EVERY = timedelta(seconds=3), timedelta(seconds=0.5)


@workflow.defn
class Look:
    @workflow.run
    async def run(self) -> int:
        """Which attempt came through."""
        attempt: int = await workflow.execute_activity(
            "look",
            start_to_close_timeout=timedelta(minutes=2),
            heartbeat_timeout=HEARTBEAT,
        )
        return attempt


def worker(client: Client, queue: str, seconds: float) -> Worker:
    """One whose look takes so long."""

    @activity.defn
    async def look() -> int:
        await asyncio.sleep(seconds)
        return activity.info().attempt

    return Worker(
        client,
        task_queue=queue,
        workflows=[Look],
        activities=[look],
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[Heartbeats(EVERY)],
        max_heartbeat_throttle_interval=EVERY,
        max_cached_workflows=0,  # or the dead worker's own queue is waited for, too
    )


async def main(address: str, queue: str) -> None:
    await worker(await Client.connect(address), queue, 3600).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
