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

from bench.floor import Bare
from nurture.domain.calendar import Span
from nurture.domain.flow import Email, Flow, Wait
from nurture.store import enrolments, wakeups
from nurture.store.tables import LeadRow
from tests.support.domain import when
from tests.support.playbook import playbook
from tests.support.temporal import Stage

MAILS = 5
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
    return playbook(flows={"journey": flow}, entries={}, sender_of={"journey": "courses"})


async def measure(client: Client, metrics_url: str, folder: Path, journeys: int) -> dict[str, Any]:
    """Cost per step from one journey alone, then the rates of many, bare and real in turns."""
    async with Stage.open_on(client, folder) as stage:
        stage.book.book = book()
        runs = await enrol(stage, journeys * 2 + 1)
        cost = await _cost(stage, metrics_url, runs.pop())
        real, bare = [], []
        for half in (runs[:journeys], runs[journeys:]):
            bare.append(await _bare(client, journeys))
            real.append(await _real(stage, half))
    ratio = sum(real) / sum(bare)
    return {
        "per_mail_and_wait": {
            "actions": cost.actions,
            "events": cost.events,
            "bytes": round(cost.bytes),
        },
        "journeys_per_second": round(sum(real) / 2, 2),
        "bare_per_second": round(sum(bare) / 2, 2),
        "ratio": round(ratio, 3),
    }


async def enrol(stage: Stage, number: int) -> list[str]:
    """Leads at the start of the flow; the ids of their enrolments, not yet started."""
    now = stage.clock()
    ids = []
    async with stage.world.db.write() as session:
        for n in range(number):
            lead = LeadRow(
                id=f"lead-{n}",
                email=f"lead-{n}@example.org",
                stage="lead",
                created_at=now,
                consents=["email_marketing"],
            )
            session.add(lead)
            await session.flush()
            ids.append(enrolments.begin(session, stage.book.book, lead.id, "journey", [], now).id)
    return ids


async def _cost(stage: Stage, metrics_url: str, run: str) -> Cost:
    """From the history of one journey: what each mail after the first added to it."""
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
    first, last = scheduled[0], scheduled[-1]
    between = history.events[first:last]
    steps = len(scheduled) - 1
    size = sum(event.ByteSize() for event in between)
    return Cost((actions - 2) / steps, len(between) / steps, size / steps)


async def _real(stage: Stage, runs: list[str]) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(stage.waker.wake(wakeups.ENROLMENT, run) for run in runs))
    handles = [stage.client.get_workflow_handle(f"enrolment/{run}") for run in runs]
    await asyncio.gather(*(handle.result() for handle in handles))
    return len(runs) / (time.perf_counter() - started)


async def _bare(client: Client, number: int) -> float:
    queue = f"bare-{time.monotonic_ns()}"
    async with build_bare(client, queue):
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
    counted = re.findall(r'^action\{[^}]*service_name="frontend"[^}]*\} (\S+)', text, re.MULTILINE)
    return sum(float(number) for number in counted)
