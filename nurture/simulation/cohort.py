"""A cohort on its way through the flows, from the day each lead becomes known."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import partial

from nurture.domain.enrolment import BY_HAND, Trigger, may_enter
from nurture.domain.errors import InputError
from nurture.playbook import Playbook
from nurture.simulation import settling
from nurture.simulation.behaviour import Chance, Customs
from nurture.simulation.people import Person
from nurture.simulation.world import World

ARRIVES_BY = "form_submitted"
_FIRST = timedelta(hours=9)
"""When on the first day the first lead becomes known."""

_YEARS = range(1970, 9000)


def clock(playbook: Playbook) -> tzinfo:
    """The company's: days in a simulation are days on it."""
    return playbook.handover.terms.calendar.zone


def midnight(first: date, playbook: Playbook) -> datetime:
    """When that day begins. Raises InputError for one beyond which zones and waits reach the end of the calendar."""
    if first.year not in _YEARS:
        years = f"from {_YEARS[0]} to {_YEARS[-1]}"
        raise InputError(f"{first} is too far away to be simulated; years are {years}")
    return datetime.combine(first, time(), clock(playbook)).astimezone(UTC)


def simulate(
    playbook: Playbook,
    people: Sequence[Person],
    start: datetime,
    days: int,
    customs: Customs,
    seed: int = 0,
    flow: str | None = None,
) -> World:
    """The world after so many days from midnight `start`.

    `flow`: leads enter only this one, by hand if nothing else brings them in.
    """
    flows = frozenset({flow}) if flow else None
    world = World(playbook, start, Chance(customs, seed), flows)
    gap = (customs.assumed.arrive_over or timedelta()) / max(len(people), 1)
    for number, person in enumerate(people):
        world.at(start + _FIRST + number * gap, partial(arrive, world, person, flow))
    last = start.astimezone(clock(playbook)).date() + timedelta(days=days)
    world.run(midnight(last, playbook))
    return world


def arrive(world: World, person: Person, flow: str | None) -> None:
    """A lead becomes known, and enters `flow`, if it is given, at least by hand."""
    member = world.arrive(person, ARRIVES_BY)
    if flow is None or any(run.flow == flow for run in member.runs):
        return
    entry, facts = world.playbook.entries[flow], member.facts(world.now)
    if may_enter(entry, [Trigger(BY_HAND)], facts, [], world.now):
        settling.begin(world, member, flow)
