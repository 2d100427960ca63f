"""The workers of one process: one for each task queue that it serves."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities import queues
from workflows import policies
from workflows.client import WORKFLOWS
from workflows.heartbeats import EVERY, Heartbeats
from workflows.tuning import Tuning

_GRACE = timedelta(seconds=30)

_ALIKE = "unnamed"
"""The build of workers without a release. The SDK would read all code that is loaded to make up a name of its own."""

Activities = Mapping[str, Sequence[Callable[..., Any]]]
"""By the part that does them: decisions, webhooks, ads. A mail queue does what decisions does."""


class Workers:
    """Serves `parts` while it is entered. `follow` says whose mails there are; queues of mail come and go with it.

    A part is one of activities.queues.PARTS, or `mail.<sender>` for one sender only. Without the sandbox a workflow
    costs half the CPU; tests keep it on. `release`: see workflows.releases.
    """

    def __init__(
        self,
        client: Client,
        base: str,
        activities: Activities,
        parts: Collection[str] = queues.PARTS,
        sandbox: bool = True,
        release: WorkerDeploymentConfig | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        self._client = client
        self._base = base
        self._activities = activities
        self._parts = frozenset(parts)
        self._sandbox = sandbox
        self._release = release
        self._tuning = tuning or Tuning.usual()
        self._running: dict[str, Worker] = {}
        self._rates: dict[str, float | None] = {}
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> "Workers":
        await self._tasks.__aenter__()
        if queues.DECISIONS in self._parts:
            self._start(
                queues.DECISIONS,
                workflows=WORKFLOWS,
                workflow_runner=self._runner(),
                **self._tuning.of_workflows(),
            )
        for part in (queues.WEBHOOKS, queues.ADS):
            if part in self._parts:
                self._start(part)
        return self

    async def __aexit__(self, *error: Any) -> None:
        """An error of whoever entered is none of the workers': it goes on as it is."""
        await asyncio.gather(*(worker.shutdown() for worker in self._running.values()))
        await self._tasks.__aexit__(None, None, None)

    async def follow(self, rates: Mapping[str, float | None]) -> None:
        """Serve these senders, each at most at its rate (mails a second over all processes), and no others."""
        wanted = {name: rate for name, rate in rates.items() if self._serves(name)}
        gone = [n for n, rate in self._rates.items() if n not in wanted or wanted[n] != rate]
        await asyncio.gather(*(self._stop(name) for name in gone))
        for name in wanted.keys() - self._rates.keys():
            # it runs no workflows, so no activity reaches it past the queue and its limit
            self._start(queues.mail(name), max_task_queue_activities_per_second=wanted[name])
            self._rates[name] = wanted[name]

    def _serves(self, sender: str) -> bool:
        return bool({queues.MAIL, queues.mail(sender)} & self._parts)

    def _start(self, part: str, **options: Any) -> None:
        kind = queues.DECISIONS if part.startswith(queues.MAIL) else part
        worker = Worker(
            self._client,
            task_queue=queues.named(self._base, part),
            activities=list(self._activities[kind]),
            deployment_config=self._release,
            build_id=None if self._release else _ALIKE,
            graceful_shutdown_timeout=_GRACE,
            interceptors=[Heartbeats()],
            max_heartbeat_throttle_interval=EVERY,
            sticky_queue_schedule_to_start_timeout=policies.REMEMBERED,
            **self._tuning.of_queue(part),
            **options,
        )
        self._running[part] = worker
        self._tasks.create_task(worker.run())

    async def _stop(self, sender: str) -> None:
        del self._rates[sender]
        await self._running.pop(queues.mail(sender)).shutdown()

    def _runner(self) -> SandboxedWorkflowRunner | UnsandboxedWorkflowRunner:
        if not self._sandbox:
            return UnsandboxedWorkflowRunner()
        restrictions = SandboxRestrictions.default.with_passthrough_modules("nurture", "activities")
        return SandboxedWorkflowRunner(restrictions=restrictions)
