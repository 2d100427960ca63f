"""What a worker's settings do for journeys a second: each in turn away from its default, and the default again.

On PostgreSQL, one worker process. `cpu_ms` is what a mail and its wait take of the processor in worker and Temporal.
What the slots of calls and audiences do, which are not in a journey, is looked at with slow receivers (slots).
"""

import asyncio
import os
from pathlib import Path
from typing import Any

from bench import ground, slots, workers
from bench.journeys import MAILS, book

JOURNEYS = int(os.environ.get("BENCH_JOURNEYS", "100"))

VARIANTS: dict[str, dict[str, int]] = {
    "usual": {},
    "slots 20": {"decision_slots": 20, "mail_slots": 20, "workflow_slots": 20},
    "slots 100": {"decision_slots": 100, "mail_slots": 100, "workflow_slots": 100},
    "pollers 5": {"pollers": 5},
    "pollers 100": {"pollers": 100},
    "cached workflows 0": {"cached_workflows": 0},
    "usual again": {},
}


async def measure(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with ground.opened(folder) as stand:
        number = JOURNEYS * len(VARIANTS)
        runs = await ground.enrol(stand.db, book(), "journey", number + JOURNEYS)
        async with stand.workers("bench.journeys:book"):
            await workers.travel(stand, runs[number:])  # the first ones warm up
        for n, (name, settings) in enumerate(VARIANTS.items()):
            env = {f"NURTURE_{key.upper()}": str(value) for key, value in settings.items()}
            async with stand.workers("bench.journeys:book", env=env) as names:
                await asyncio.sleep(1)
                before = stand.used(*names)
                rate = await workers.travel(stand, runs[n * JOURNEYS : (n + 1) * JOURNEYS])
                after = stand.used(*names)
            found[name] = {
                "journeys_per_second": round(rate, 2),
                "cpu_ms": ground.milliseconds_each(before, after, JOURNEYS * MAILS),
            }
        found |= await slots.measure(stand, runs[0])
    return found
