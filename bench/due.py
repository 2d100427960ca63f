"""Leads into a wait a second; how late their mails are when all are due within one minute; what an open lead takes of
memory and disk. One worker process on PostgreSQL and Temporal's dev server.
"""

import asyncio
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlmodel import col, func, select

from bench import ground
from bench.ground import Ground
from nurture.domain.calendar import Span
from nurture.domain.flow import Email, Flow, Wait
from nurture.playbook import Playbook
from nurture.store.tables import EnrolmentRow
from tests.support.domain import when
from tests.support.playbook import playbook

LEADS = int(os.environ.get("BENCH_DUE", "2000"))
WITHIN = timedelta(minutes=1)
_FIRST = LEADS // 5
_EACH = float(os.environ.get("BENCH_DUE_MS", "40")) / 1000
"""Seconds that there are for each lead to get into its wait."""
_WAIT = timedelta(days=1)


def book() -> Playbook:
    steps: dict[str, Any] = {
        "wait": Wait(Span(_WAIT), next="mail"),
        "mail": Email("hello", next="rest"),
        "rest": Wait(Span(_WAIT)),
    }
    flow = Flow("due", "Due", steps, "wait", goal=when(lambda facts: False))
    return playbook(flows={"due": flow}, entries={}, sender_of={"due": "courses"})


async def measure(folder: Path) -> dict[str, Any]:
    async with ground.opened(folder) as stand:
        runs = await ground.enrol(stand.db, book(), "due", LEADS)
        async with stand.workers("bench.due:book") as workers:
            due = await _spread(stand, runs)
            await _into_wait(stand, runs[:_FIRST], _FIRST)  # they warm up
            bare = {**stand.memory(*workers), **megabytes_on_disk(folder)}
            rate = await _into_wait(stand, runs[_FIRST:], LEADS)
            full = {**stand.memory(*workers), **megabytes_on_disk(folder)}
            before = stand.used(*workers)
            left = min(due.values()) - time.time()
            await asyncio.sleep(max(0.0, max(due.values()) - time.time()))
            await _through(stand)
            after = stand.used(*workers)
        sent = json.loads((folder / "worker-0.json").read_text())
    late = sorted(at - due[to] for to, at in sent)
    assert len(late) == LEADS, "every lead got its mail"
    return {
        "leads": LEADS,
        "into_a_wait_per_second": round(rate, 1),
        "asleep_before_the_first_was_due": left > 0,
        "late_p50_s": round(late[len(late) // 2], 2),
        "late_p99_s": round(late[int(len(late) * 0.99)], 2),
        "late_max_s": round(late[-1], 2),
        "cores_in_that_minute": {
            name: round((after[name] - before[name]) / WITHIN.total_seconds(), 2) for name in after
        },
        "per_10000_open_leads_mb": {
            name: round((full[name] - bare[name]) * 10_000 / (LEADS - _FIRST)) for name in bare
        },
    }


async def _spread(stand: Ground, runs: list[str]) -> dict[str, float]:
    """Put the ends of the waits side by side into one minute that is still to come; by address."""
    first = datetime.now(UTC) + timedelta(seconds=LEADS * _EACH)
    due: dict[str, float] = {}
    async with stand.db.write() as session:
        for number, run in enumerate(runs):
            at = first + WITHIN * number / LEADS
            which = update(EnrolmentRow).where(col(EnrolmentRow.id) == run)
            await session.execute(which.values(since=at - _WAIT))
            due[f"lead-{number}@example.org"] = at.timestamp()
    return due


async def _into_wait(stand: Ground, runs: list[str], asleep: int) -> float:
    """How many of these a second, until so many are."""
    began = time.perf_counter()
    await stand.wake(runs)
    while await _count(stand, col(EnrolmentRow.wake_at) > datetime.now(UTC)) < asleep:
        if time.perf_counter() - began > LEADS * _EACH:
            break  # the first ones are due by now, and wait no more
        await asyncio.sleep(0.2)
    return len(runs) / (time.perf_counter() - began)


async def _through(stand: Ground) -> None:
    async with asyncio.timeout(300):
        await reached(stand, col(EnrolmentRow.step) == "rest", LEADS)


async def reached(stand: Ground, which: Any, number: int) -> None:
    """Returns when it is true of so many enrolments."""
    while await _count(stand, which) < number:  # noqa: ASYNC110 - others raise no event
        await asyncio.sleep(0.5)


async def _count(stand: Ground, which: Any) -> int:
    async with stand.db.read() as session:
        return int((await session.execute(select(func.count()).where(which))).scalar_one())


def megabytes_on_disk(folder: Path) -> dict[str, float]:
    """Of Temporal's database; what a lead takes in ours is open_leads' matter."""
    files = sum(file.stat().st_size for file in folder.glob("temporal.db*"))
    return {"temporal_database": files / 1e6}
