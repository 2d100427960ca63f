"""Temporal cost of an e-mail step with its wait, and journeys a second against the bare floor.

The product runs as `nurture up` runs it: Temporal's dev server and the database on SQLite files, the real
worker with its activities, mails handed to a provider that takes them at once.
"""

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

from bench.floor import Bare, nothing
from bench.ground import enrol
from nurture.domain.calendar import Span
from nurture.domain.flow import Email, Flow, Wait
from nurture.store import wakeups
from tests.support.domain import when
from tests.support.playbook import playbook
from tests.support.ports import free_port
from tests.support.temporal import Stage, dev_server

MAILS = 5
SENDER = "courses"
ROUNDS = 2
WAIT = timedelta(seconds=1)


@dataclass(frozen=True)
class Cost:
    """Of one e-mail step with its wait."""

    actions: float
    events: float
    bytes: float


def book() -> Any:
    """A flow of mails with short waits, and nothing else going on."""
    steps: dict[str, Any] = {}
    for n in range(1, MAILS + 1):
        last = n == MAILS
        steps[f"m{n}"] = Email("hello", next=None if last else f"w{n}")
        if not last:
            steps[f"w{n}"] = Wait(Span(WAIT), next=f"m{n + 1}")
    flow = Flow("journey", "Journey", steps, "m1", goal=when(lambda facts: False))
    return playbook(flows={"journey": flow}, entries={}, sender_of={"journey": SENDER})


async def measure(folder: Path, journeys: int = 100) -> dict[str, Any]:
    """Cost per step from one journey alone, then the rates of many, bare and real in turns."""
    port = free_port()
    environment = await dev_server(folder, "--metrics-port", str(port))
    async with environment, Stage.open(environment, folder, sandbox=False) as stage:
        return await _measure(stage, f"http://127.0.0.1:{port}/metrics", journeys)


async def _measure(stage: Stage, metrics_url: str, journeys: int) -> dict[str, Any]:
    stage.book.book = book()
    runs = await enrol(stage.world.db, stage.book.book, "journey", journeys * ROUNDS + 1)
    cost = await _cost(stage, metrics_url, runs.pop())
    real, bare = [], []
    for n in range(ROUNDS):
        bare.append(await _bare(stage.client, journeys))
        real.append(await _real(stage, runs[n * journeys : (n + 1) * journeys]))
    ratio = sum(real) / sum(bare)
    return {
        "per_mail_and_wait": {
            "actions": cost.actions,
            "events": cost.events,
            "bytes": round(cost.bytes),
        },
        "journeys_per_second": round(sum(real) / ROUNDS, 2),
        "bare_per_second": round(sum(bare) / ROUNDS, 2),
        "ratio": round(ratio, 3),
    }


async def _cost(stage: Stage, metrics_url: str, run: str) -> Cost:
    """From the history of one journey: what each mail and wait added to it."""
    before = await _actions(metrics_url)
    await _real(stage, [run])
    await asyncio.sleep(2)  # the server flushes its counters once a second
    actions = await _actions(metrics_url) - before
    handle = stage.client.get_workflow_handle(f"enrolment/{run}")
    history: WorkflowHistory = await handle.fetch_history()
    scheduled = [
        index
        for index, event in enumerate(history.events)
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    # The start and the last mail, after which nothing is waited for, are no whole step.
    first, last = scheduled[0], scheduled[-1]
    between = history.events[first:last]
    steps = len(scheduled) - 1
    size = sum(event.ByteSize() for event in between)
    return Cost((actions - 2) / steps, len(between) / steps, size / steps)


async def _real(stage: Stage, runs: list[str]) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(stage.waker.wake(wakeups.ENROLMENT, run, sender=SENDER) for run in runs))
    handles = [stage.client.get_workflow_handle(f"enrolment/{run}") for run in runs]
    await asyncio.gather(*(handle.result() for handle in handles))
    return len(runs) / (time.perf_counter() - started)


async def _bare(client: Client, number: int) -> float:
    queue = f"bare-{time.monotonic_ns()}"
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[Bare],
        activities=[nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    )
    async with worker:
        started = time.perf_counter()
        handles = await asyncio.gather(
            *(
                client.start_workflow(
                    Bare.run,
                    args=[MAILS, WAIT.total_seconds()],
                    id=f"{queue}-{n}",
                    task_queue=queue,
                )
                for n in range(number)
            )
        )
        await asyncio.gather(*(handle.result() for handle in handles))
        return number / (time.perf_counter() - started)


async def _actions(url: str) -> float:
    """The server's own count of billable actions."""
    async with httpx.AsyncClient() as http:
        text = (await http.get(url)).text
    counted = re.findall(r'^action\{[^}]*namespace="default"[^}]*\} (\S+)', text, re.MULTILINE)
    return sum(float(number) for number in counted)
