"""The worker: which workflows and activities it serves, and the relay that runs beside them."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows.client import WORKFLOWS

_GRACE = timedelta(seconds=30)


def build_worker(
    client: Client, task_queue: str, activities: Sequence[Callable[..., Any]], sandbox: bool = True
) -> Worker:
    """A worker for one task queue. Without the sandbox a workflow costs half the CPU; tests keep it on."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules("nurture", "activities")
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=list(activities),
        workflow_runner=(
            SandboxedWorkflowRunner(restrictions=restrictions)
            if sandbox
            else UnsandboxedWorkflowRunner()
        ),
        graceful_shutdown_timeout=_GRACE,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    )
