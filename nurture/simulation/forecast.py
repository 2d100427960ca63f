"""What a simulated cohort amounts to, beside what marketing and sales agreed on."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.event import Event
from nurture.playbook.graph import FINISHED, START, counted
from nurture.simulation.cohort import clock
from nurture.simulation.telling import day
from nurture.simulation.world import World


@dataclass(frozen=True)
class Forecast:
    """`mails` and `handovers` hold a number for each day; `sqls` and `customers` for each whole or begun period.

    `capacity`: leads that sales can take on in a day; `promised_*`: in one period of `period_days`.
    """

    leads: int
    days: int
    mails: tuple[int, ...]
    refused: Mapping[str, int]
    handovers: tuple[int, ...]
    capacity: int
    sqls: tuple[int, ...]
    promised_sqls: int
    customers: tuple[int, ...]
    promised_customers: int
    period_days: float
    ended: Mapping[str, int]

    @property
    def overloaded(self) -> int:
        """Days on which sales gets more leads than it can take on."""
        return sum(number > self.capacity for number in self.handovers)


def forecast(world: World, start: datetime, days: int, calls_a_day: int) -> Forecast:
    playbook, events = world.playbook, world.events
    promise, rule = playbook.promise, playbook.handover
    return Forecast(
        leads=len(world.members),
        days=days,
        mails=_daily(world, "mail", start, days),
        refused=_count(e.about.rpartition(": ")[2] for e in events if e.what == "refused"),
        handovers=_daily(world, "handover", start, days),
        capacity=calls_a_day * len(rule.team.owners),
        sqls=_reached(events, rule.sql_stage, start, days, promise.period),
        promised_sqls=promise.sqls,
        customers=_reached(events, rule.customer_stage, start, days, promise.period),
        promised_customers=promise.customers,
        period_days=promise.period / timedelta(days=1),
        ended=_count(f"{e.flow}: {e.about}" for e in events if e.what == "left"),
    )


def counts(events: Iterable[Event], flow: str) -> dict[str, int]:
    """How many leads came to each step of the flow, for its picture."""
    own = [event for event in events if event.flow == flow]
    found = _count(event.step for event in own if event.what == "at")
    found[START] = sum(event.what == "entered" for event in own)
    found[FINISHED] = sum(event.what == "left" and event.about == "finished" for event in own)
    return found


def sentences(told: Forecast) -> list[str]:
    """The forecast for people."""
    busiest = max(told.handovers, default=0)
    return [
        f"{counted(told.leads)}, {told.days} days",
        f"mails      {sum(told.mails)}, {sum(told.mails) / told.days:.1f} a day,"
        f" {max(told.mails, default=0)} on the busiest",
        *(f"  not sent {number}: {reason}" for reason, number in sorted(told.refused.items())),
        f"handovers  {sum(told.handovers)}, {sum(told.handovers) / told.days:.1f} a day,"
        f" {busiest} on the busiest; sales can take on {told.capacity} a day"
        + (f", too few on {told.overloaded} days" if told.overloaded else ""),
        _promise("SQLs", told.sqls, told.promised_sqls, told.period_days),
        _promise("customers", told.customers, told.promised_customers, told.period_days),
        "how flows end:",
        *(f"  {number:>6}  {why}" for why, number in sorted(told.ended.items())),
    ]


def _promise(what: str, reached: tuple[int, ...], promised: int, period: float) -> str:
    each = ", ".join(str(number) for number in reached)
    return f"{what:<10} {each} in each {period:g} days; promised are {promised}"


def _daily(world: World, what: str, start: datetime, days: int) -> tuple[int, ...]:
    zone = clock(world.playbook)
    found = Counter(day(event.at, start, zone) for event in world.events if event.what == what)
    return tuple(found[number] for number in range(days))


def _reached(
    events: Iterable[Event], stage: str, start: datetime, days: int, period: timedelta
) -> tuple[int, ...]:
    """Leads that reached the stage for the first time, by period."""
    first: dict[str, datetime] = {}
    for event in events:
        if event.what == "stage" and event.about == stage:
            first.setdefault(event.lead, event.at)
    found = Counter((at - start) // period for at in first.values())
    periods = -(-timedelta(days=days) // period)
    return tuple(found[number] for number in range(periods))


def _count(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words))
