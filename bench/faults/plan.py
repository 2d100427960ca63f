"""Which part fails when, and for how long: the same seed gives the same misfortunes."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.faults.stage import Part

_REST = (0.5, 3.0)
_LOST = (0.2, 4.0)
"""Seconds between two faults, and of one."""


@dataclass(frozen=True)
class Fault:
    part: str
    rest: float
    lasts: float


def faults(seed: int, parts: Sequence[str], number: int) -> list[Fault]:
    """Every part in turn, in an order of its own each round."""
    chance = random.Random(seed)
    order: list[str] = []
    while len(order) < number:
        order += chance.sample(list(parts), len(parts))
    return [Fault(part, chance.uniform(*_REST), chance.uniform(*_LOST)) for part in order[:number]]


async def play(planned: Sequence[Fault], parts: Mapping[str, Part]) -> float:
    """One fault after another; the seconds in which something was away."""
    away = 0.0
    for fault in planned:
        await asyncio.sleep(fault.rest)
        began = time.monotonic()
        await parts[fault.part].lose()
        await asyncio.sleep(fault.lasts)
        await parts[fault.part].restore()
        away += time.monotonic() - began
    return away
