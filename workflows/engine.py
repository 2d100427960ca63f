"""How Temporal stands, for the dashboard: who polls the task queue, and what waits on it."""

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
)
from temporalio.client import Client
from temporalio.service import RPCError

from nurture.dashboard.system import EngineState, Poller

_PATIENCE = timedelta(seconds=2)
_TYPES = {
    "workflows": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "activities": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}


class TemporalEngine:
    """Implements nurture.dashboard.system.Engine. A page is answered also while Temporal is away."""

    def __init__(self, client: Client, task_queue: str, address: str) -> None:
        self._client = client
        self._queue = task_queue
        self._address = address

    async def state(self) -> EngineState:
        try:
            told = await asyncio.gather(*(self._describe(kind) for kind in _TYPES.values()))
        except RPCError as error:
            return EngineState(self._queue, self._address, problem=error.status.name)
        except RuntimeError:  # a lazy client's first connection
            return EngineState(self._queue, self._address, problem="UNAVAILABLE")
        answers = dict(zip(_TYPES, told, strict=True))
        waiting = sum(answer.stats.approximate_backlog_count for answer in told)
        return EngineState(self._queue, self._address, _pollers(answers), waiting)

    async def _describe(self, kind: TaskQueueType.ValueType) -> DescribeTaskQueueResponse:
        return await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=self._queue),
                task_queue_type=kind,
                report_stats=True,
            ),
            timeout=_PATIENCE,
        )


def _pollers(answers: dict[str, DescribeTaskQueueResponse]) -> list[Poller]:
    """Each process once, with what it asks for."""
    kinds: dict[str, list[str]] = {}
    seen: dict[str, datetime] = {}
    for kind, answer in answers.items():
        for poller in answer.pollers:
            at = poller.last_access_time.ToDatetime(UTC)
            kinds.setdefault(poller.identity, []).append(kind)
            seen[poller.identity] = max(at, seen.get(poller.identity, at))
    return [Poller(name, seen[name], kinds[name]) for name in sorted(kinds)]
