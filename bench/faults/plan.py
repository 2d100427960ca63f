"""Which part fails when, and for how long: the same seed gives the same misfortunes."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.faults.stage import Part

_REST = (0.5, 3.0)
_LOST = (0.2, 4.0)
"""Seconds between two faults, and of one."""


@dataclass(frozen=True)
class Fault:
    part: str
    rest: float
    lasts: float


@dataclass(frozen=True)
class Outage:
    """From the moment a part was taken away until it worked again."""

    part: str
    began: datetime
    ended: datetime

    @property
    def kind(self) -> str:
        """Of which part, where there are two of it (see stage)."""
        return self.part.partition("-")[0]

    def within(self, start: datetime, end: datetime) -> float:
        """The seconds of it between the two."""
        return max(0.0, (min(end, self.ended) - max(start, self.began)).total_seconds())


def faults(seed: int, parts: Sequence[str], number: int) -> list[Fault]:
    """Every part in turn, in an order of its own each round."""
    chance = random.Random(seed)
    order: list[str] = []
    while len(order) < number:
        order += chance.sample(list(parts), len(parts))
    return [Fault(part, chance.uniform(*_REST), chance.uniform(*_LOST)) for part in order[:number]]


async def play(planned: Sequence[Fault], parts: Mapping[str, Part]) -> list[Outage]:
    """One fault after another; when what was away."""
    outages = []
    for fault in planned:
        await asyncio.sleep(fault.rest)
        began = datetime.now(UTC)
        await parts[fault.part].lose()
        await asyncio.sleep(fault.lasts)
        await parts[fault.part].restore()
        outages.append(Outage(fault.part, began, datetime.now(UTC)))
    return outages
