"""Marketers' tests: a scenario played on the core, and what differs from what they expect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from difflib import ndiff
from functools import partial

from nurture.domain.event import Event
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
from nurture.simulation.world import World

ARRIVES = timedelta(hours=9)
_NOON = time(12)
_APART = timedelta(minutes=1)
"""Each act is a minute later than the one before, so that none falls on a deadline that another began."""


@dataclass(frozen=True)
class Outcome:
    """A line such as `day 5: mail course-guide` for each thing, in order of time.

    `got` is what happened of the kinds that the scenario compares, `happened` all of it.
    """

    file: str
    title: str
    expected: tuple[str, ...]
    got: tuple[str, ...]
    happened: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return self.expected == self.got

    def difference(self) -> list[str]:
        """All lines; `- ` before one that was expected and did not happen, `+ ` before one that just did."""
        return [line for line in ndiff(self.expected, self.got) if not line.startswith("?")]

    def disagreement(self, real: "Outcome") -> list[str]:
        """`- ` before what happened here only, `+ ` before what happened in `real` only."""
        ours, theirs = (sorted(told.happened, key=_by_day) for told in (self, real))
        return [line for line in ndiff(ours, theirs) if line[0] in "-+"]


def scenarios(files: Mapping[str, str]) -> dict[str, Scenario]:
    """Those of a playbook without findings, by their file."""
    models = read(files, Durations()).models
    return {file: model for file, model in models.items() if file.startswith(SCENARIOS)}


class CannotBe(Exception):
    """Somebody does in a scenario what nobody could do then; its text says why. What comes of the rest is told all the
    same."""


def play(file: str, scenario: Scenario, playbook: Playbook) -> Outcome:
    """Raises InputError for a lead that cannot be."""
    start = midnight(scenario.start.date(), playbook)
    world = World(playbook, start, flows=frozenset({scenario.flow}) if scenario.flow else None)
    who = person(scenario.lead, playbook, file)
    world.at(start + ARRIVES, partial(arrive, world, who, scenario.flow))
    for moment, act in acts(scenario, playbook):
        world.at(moment, partial(_do, world, who.lead.id, act))
    world.run(end(scenario, playbook))
    return judge(file, scenario, playbook, world.story(who.lead.id))


def acts(scenario: Scenario, playbook: Playbook) -> list[tuple[datetime, Act]]:
    """What is done, in order, from noon of its day on the company's clock."""
    first, zone = scenario.start.date(), clock(playbook)
    ordered = sorted(scenario.does, key=lambda act: act.day)
    days = [first + timedelta(days=act.day) for act in ordered]
    noons = [datetime.combine(each, _NOON, zone).astimezone(UTC) for each in days]
    moments = [noon + number * _APART for number, noon in enumerate(noons)]
    return list(zip(moments, ordered, strict=True))


def end(scenario: Scenario, playbook: Playbook) -> datetime:
    """Until when the lead is watched."""
    return midnight(scenario.start.date() + timedelta(days=scenario.days), playbook)


def judge(file: str, scenario: Scenario, playbook: Playbook, events: Sequence[Event]) -> Outcome:
    """What the scenario expects beside what happened, of the kinds that it compares."""
    start = midnight(scenario.start.date(), playbook)
    wanted = [(number, line) for number, lines in scenario.expect.items() for line in lines]
    compared = ALWAYS_COMPARED | {kind_of(line) for _, line in wanted}
    found = [
        (_kind(event), (day(event.at, start, clock(playbook)), words(event)))
        for event in events
        if event.what not in SILENT
    ]
    got = [thing for kind, thing in found if kind in compared]
    happened = [thing for _, thing in found]
    return Outcome(
        file,
        scenario.scenario,
        expected=_lines(wanted, got),
        got=_lines(got, got),
        happened=_lines(happened, happened),
    )


def no_mail(act: Act) -> CannotBe:
    return CannotBe(f"the lead has no mail of the step {act.of} yet")


def no_answer(act: Act, state: str = "") -> CannotBe:
    """Why sales cannot say that; `state`: of what it would answer, empty without anything."""
    if not state:
        return CannotBe("sales has nothing to answer")
    return CannotBe(f"what is {state} cannot become {act.sales} any more")


def _by_day(line: str) -> tuple[int, str]:
    """Within a day the order may differ by milliseconds that nobody meant."""
    return int(line.split()[1].rstrip(":")), line


def _kind(event: Event) -> str:
    return event.what if event.what in FORMS else "answer"


def _lines(told: list[tuple[int, str]], happened: list[tuple[int, str]]) -> tuple[str, ...]:
    """By day; within a day as it happened, since a scenario says nothing of hours."""
    order = {thing: number for number, thing in reversed(list(enumerate(happened)))}
    ranked = sorted(told, key=lambda thing: (thing[0], order.get(thing, len(order))))
    return tuple(f"day {number}: {line}" for number, line in ranked)


def _do(world: World, lead: str, act: Act) -> None:
    member = world.members[lead]
    try:
        _act(world, member, act)
    except CannotBe as why:
        world.note(member, "cannot", str(why))


def _act(world: World, member: Member, act: Act) -> None:
    if act.touch:
        about = _mail(world.story(member.lead.id), act) if act.of else {}
        world.touch(member, act.touch, {**act.properties, **about})
    elif act.says:
        world.tell(member, act.says)
    elif act.unsubscribes:
        world.unsubscribe(member, act.unsubscribes)
    elif act.sales:
        open_ = [handed for handed in member.handed if handed.stands.closed_at is None]
        latest = next(reversed(open_ or member.handed), None)
        if latest is None or not latest.stands.may_become(State(act.sales)):
            raise no_answer(act, latest.state if latest else "")
        sales.answer(world, member, latest, State(act.sales))


def _mail(events: Sequence[Event], act: Act) -> dict[str, str]:
    """What a touch of the latest mail of that step says of it."""
    for event in reversed(events):
        if event.what == "mail" and event.step == act.of:
            return {"flow": event.flow, "step": event.step, "template": event.about}
    raise no_mail(act)
