"""Marketers' tests: a scenario played on the core, and what differs from what they expect."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import ndiff
from functools import partial

from nurture.domain.errors import InputError
from nurture.domain.sla import State
from nurture.playbook import Playbook
from nurture.playbook.durations import Durations
from nurture.playbook.reading import SCENARIOS, read
from nurture.playbook.scenario_schema import ALWAYS_COMPARED, FORMS, Act, Scenario, kind_of
from nurture.simulation import sales
from nurture.simulation.cohort import arrive, clock, midnight
from nurture.simulation.member import Member
from nurture.simulation.people import person
from nurture.simulation.telling import SILENT, day, words
from nurture.simulation.world import Event, World

_ARRIVES = timedelta(hours=9)
_ACTS = timedelta(hours=12)


@dataclass(frozen=True)
class Outcome:
    """`expected` and `got`: a line such as `day 5: mail course-guide` for each thing, in order of time."""

    file: str
    title: str
    expected: tuple[str, ...]
    got: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return self.expected == self.got

    def difference(self) -> list[str]:
        """All lines; `- ` before one that was expected and did not happen, `+ ` before one that just did."""
        return [line for line in ndiff(self.expected, self.got) if not line.startswith("?")]


def scenarios(files: Mapping[str, str]) -> dict[str, Scenario]:
    """Those of a playbook without findings, by their file."""
    models = read(files, Durations()).models
    return {file: model for file, model in models.items() if file.startswith(SCENARIOS)}


def play(file: str, scenario: Scenario, playbook: Playbook) -> Outcome:
    """Raises InputError for a lead that cannot be, and for a touch of a mail that it never got."""
    start = midnight(scenario.start.date(), playbook)
    world = World(playbook, start, flows=frozenset({scenario.flow}) if scenario.flow else None)
    who = person(scenario.lead, playbook, file)
    world.at(start + _ARRIVES, partial(arrive, world, who, scenario.flow))
    for act in sorted(scenario.does, key=lambda act: act.day):
        noon = start + timedelta(days=act.day) + _ACTS
        world.at(noon, partial(_do, world, who.lead.id, act, file))
    world.run(start + timedelta(days=scenario.days))
    wanted = [(number, line) for number, lines in scenario.expect.items() for line in lines]
    compared = ALWAYS_COMPARED | {kind_of(line) for _, line in wanted}
    found = [
        (day(event.at, start, clock(playbook)), words(event))
        for event in world.events
        if event.what not in SILENT and _kind(event) in compared
    ]
    return Outcome(file, scenario.scenario, _lines(wanted, found), _lines(found, found))


def _kind(event: Event) -> str:
    return event.what if event.what in FORMS else "answer"


def _lines(told: list[tuple[int, str]], happened: list[tuple[int, str]]) -> tuple[str, ...]:
    """By day; within a day as it happened, since a scenario says nothing of hours."""
    order = {thing: number for number, thing in reversed(list(enumerate(happened)))}
    ranked = sorted(told, key=lambda thing: (thing[0], order.get(thing, len(order))))
    return tuple(f"day {number}: {line}" for number, line in ranked)


def _do(world: World, lead: str, act: Act, file: str) -> None:
    member = world.members[lead]
    if act.touch:
        about = _mail(world, member, act, file) if act.of else {}
        world.touch(member, act.touch, {**act.properties, **about})
    elif act.says:
        world.tell(member, act.says)
    elif act.unsubscribes:
        world.unsubscribe(member, act.unsubscribes)
    elif act.sales:
        open_ = [handed for handed in member.handed if handed.closed_at is None]
        if not open_:
            raise InputError(f"day {act.day}: sales has nothing to answer", file)
        sales.answer(world, member, open_[-1], State(act.sales))


def _mail(world: World, member: Member, act: Act, file: str) -> dict[str, str]:
    """What a touch of that mail says of it."""
    for event in reversed(world.events):
        if event.lead == member.lead.id and event.what == "mail" and event.step == act.of:
            return {"flow": event.flow, "step": event.step, "template": event.about}
    raise InputError(f"day {act.day}: the lead has no mail of the step {act.of} yet", file)
