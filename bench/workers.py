"""Journeys a second with one worker process and with two, on PostgreSQL, and what each step takes of the processor.

On a machine of two cores everything shares them: what a second worker adds there is little, and what a step costs
each process says how many cores which rate needs.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from bench import ground
from bench.ground import Ground
from bench.journeys import MAILS, SENDER, book

JOURNEYS = int(os.environ.get("BENCH_JOURNEYS", "150"))


async def measure(folder: Path) -> dict[str, Any]:
    async with ground.opened(folder) as stand:
        runs = await ground.enrol(stand.db, book(), "journey", 3 * JOURNEYS)
        found: dict[str, dict[str, Any]] = {}
        for number in (1, 2):
            async with stand.workers("bench.journeys:book", number) as workers:
                if number == 1:
                    await travel(stand, runs[2 * JOURNEYS :])  # the first ones warm up
                some = runs[(number - 1) * JOURNEYS : number * JOURNEYS]
                before = stand.used(*workers)
                rate = await travel(stand, some)
                after = stand.used(*workers)
            steps = JOURNEYS * MAILS
            found[f"{number}_workers"] = {
                "journeys_per_second": round(rate, 2),
                "cpu_ms_per_step": ground.milliseconds_each(before, after, steps),
            }
    rates = [found[f"{number}_workers"]["journeys_per_second"] for number in (1, 2)]
    return {**found, "ratio": round(rates[1] / rates[0], 2)}


async def travel(stand: Ground, runs: list[str]) -> float:
    """All of these journeys at once; how many a second came to their end."""
    began = time.perf_counter()
    await stand.wake(runs, SENDER)
    handles = [stand.client.get_workflow_handle(f"enrolment/{run}") for run in runs]
    await asyncio.gather(*(handle.result() for handle in handles))
    return len(runs) / (time.perf_counter() - began)
