"""What leads that wait cost Temporal and a worker, while 1,000, 10,000 and 100,000 of them do.

One worker process on PostgreSQL and Temporal's dev server. Of each number: processor time to get a lead into its wait,
and of a mail and the wait after it; megabytes in use by then. What the database itself takes is open_leads' matter.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlmodel import col

from bench import ground
from bench.due import book, megabytes_on_disk, reached
from bench.ground import Ground
from nurture.store.tables import EnrolmentRow

SIZES = tuple(map(int, os.environ.get("BENCH_ASLEEP", "1000 10000").split()))
_WOKEN = 300
_PART = 5_000
"""So many are started before the next are enrolled: nothing waits long for its start."""


async def measure(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with ground.opened(folder) as stand, stand.workers("bench.due:book") as workers:
        await _asleep(stand, 0, _WOKEN)  # they warm up
        number = _WOKEN
        for size in SIZES:
            before = stand.used(*workers)
            began = time.perf_counter()
            runs = await _asleep(stand, number, size)
            took = time.perf_counter() - began
            found[str(size)] = {
                "into_a_wait_per_second": round((size - number) / took, 1),
                "into_a_wait_ms": ground.milliseconds_each(
                    before, stand.used(*workers), size - number
                ),
                "megabytes": stand.memory(*workers) | megabytes_on_disk(folder),
                "step_ms": await _steps(stand, workers, runs[:_WOKEN]),
            }
            number = size
    return found


async def _asleep(stand: Ground, first: int, size: int) -> list[str]:
    """Bring them to so many; the enrolments that came."""
    runs: list[str] = []
    for start in range(first, size, _PART):
        part = await ground.enrol(stand.db, book(), "due", min(_PART, size - start), start)
        await stand.wake(part)
        runs += part
        await reached(stand, col(EnrolmentRow.wake_at) > datetime.now(UTC), start + len(part))
    return runs


async def _steps(stand: Ground, workers: list[str], runs: list[str]) -> dict[str, float]:
    """The time of these has come: they get their mail and wait again."""
    before = stand.used(*workers)
    long_ago = datetime.now(UTC) - timedelta(days=2)
    async with stand.db.write() as session:
        which = update(EnrolmentRow).where(col(EnrolmentRow.id).in_(runs))
        await session.execute(which.values(since=long_ago))
    await stand.wake(runs)
    theirs = col(EnrolmentRow.id).in_(runs) & (col(EnrolmentRow.step) == "rest")
    await reached(stand, theirs, len(runs))
    return ground.milliseconds_each(before, stand.used(*workers), len(runs))
