"""What people are assumed to do: a small YAML file, drawn at random with a seed that makes it repeatable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, TypeAdapter

from nurture.domain.consent import EMAIL_MARKETING
from nurture.domain.errors import PlaybookError
from nurture.domain.flow import SendMail
from nurture.domain.habits import Habits, Reactions
from nurture.domain.sla import RUNNING, State
from nurture.playbook.document import parse
from nurture.playbook.durations import Durations
from nurture.playbook.fields import Elapsed, Known, Model, Reads
from nurture.playbook.findings import wrong
from nurture.playbook.validation import validate
from nurture.simulation import sales
from nurture.simulation.member import Handed, Member, Run

if TYPE_CHECKING:
    from nurture.simulation.world import World


def _rate(text: str, known: Known) -> float:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = -1
    if text.endswith("%") and 0 <= share <= 1:
        return share
    raise wrong(f'"{text}" is not a share', 'from "0%" to "100%"')


Rate = Annotated[float, Reads(_rate, "12%", "0.5%")]


_USUAL = {"open": 0.4, "click": 0.08, "reply": 0.01, "unsubscribe": 0.004}
_USUALLY = {
    "accept": 0.7,
    "win": 0.15,
    "contact_after": timedelta(hours=20),
    "decide_after": timedelta(days=14),
}
"""What is assumed of mails and of sales without anything better."""


class Rates(Model):
    """Of the mails sent. Who clicks has opened; a reply counts as a talk with sales."""

    open: Rate | None = None
    click: Rate | None = None
    reply: Rate | None = None
    unsubscribe: Rate | None = None


class Sales(Model):
    """Of the leads given to sales. `calls_a_day`: how many new ones one person can take on; only compared."""

    accept: Rate | None = None
    win: Rate | None = None
    contact_after: Elapsed | None = None
    decide_after: Elapsed | None = None
    calls_a_day: Annotated[int, Field(ge=1, le=1000)] = 8


class Assumptions(Model):
    """`read_after`: how long, on average, a mail lies before it is read. `visits`: pages seen per click.

    `arrive_over`: the leads become known one after another, evenly spread; without it all on the first day.
    """

    mails: Rates = Field(default_factory=Rates.model_construct)
    steps: dict[str, Rates] = Field(default_factory=dict)
    read_after: Elapsed = timedelta(hours=10)
    arrive_over: Elapsed | None = None
    visits: Annotated[int, Field(ge=0, le=50)] = 2
    sales: Sales = Field(default_factory=Sales.model_construct)


NOTHING_SAID = Assumptions.model_construct()


def read_assumptions(name: str, text: str) -> Assumptions:
    """Raises PlaybookError with every finding."""
    document = parse(name, text)
    known = Known(Durations(), None, {})
    found, findings = validate(TypeAdapter(Assumptions), document, known)
    findings = sorted([*findings, *document.findings])
    if found is None or findings:
        raise PlaybookError(findings)
    return found


@dataclass(frozen=True)
class Customs:
    """What a forecast goes by: what is assumed, else what own history shows, else what is usual."""

    assumed: Assumptions = NOTHING_SAID
    habits: Habits = field(default_factory=Habits)

    def rates(self, flow: str, step: str) -> Mapping[str, float]:
        """Of the mails of a step. In each of the three, what is known of the step goes before what is of all."""
        told = [each for each in (self.assumed.mails, self.assumed.steps.get(step)) if each]
        seen = _shares(self.habits.mails) | _shares(self.habits.steps.get((flow, step)))
        said = [each.model_dump(exclude_none=True) for each in told]
        return {**_USUAL, **seen, **said[0], **said[-1]}

    @property
    def sales(self) -> Mapping[str, Any]:
        """`accept` and `win` are shares, `contact_after` and `decide_after` are times."""
        answers = self.habits.sales
        seen: dict[str, Any] = {}
        if answers.enough:
            seen["accept"] = answers.accepted / answers.closed
            seen["win"] = answers.won / max(answers.accepted, 1)
            seen["contact_after"] = answers.contacted_after or _USUALLY["contact_after"]
            seen["decide_after"] = answers.decided_after or _USUALLY["decide_after"]
        return {**_USUALLY, **seen, **self.assumed.sales.model_dump(exclude_none=True)}


def _shares(seen: Reactions | None) -> dict[str, float]:
    """What was counted of enough mails."""
    if seen is None or not seen.enough:
        return {}
    counted = {
        "open": seen.opened,
        "click": seen.clicked,
        "reply": seen.replied,
        "unsubscribe": seen.unsubscribed,
    }
    return {
        name: min(number / seen.sent, 1.0) for name, number in counted.items() if number is not None
    }


class Chance:
    """People who follow the customs. Each lead draws from its own numbers: one more lead changes no other."""

    def __init__(self, customs: Customs, seed: int) -> None:
        self._customs = customs
        self._assumed = customs.assumed
        self._sales = customs.sales
        self._seed = seed
        self._random: dict[str, Random] = {}

    def mailed(self, world: "World", member: Member, run: Run, mail: SendMail) -> None:
        """One draw decides opening and clicking, so that whoever clicks has opened."""
        chance, rates = self._of(member), self._customs.rates(run.flow, mail.step)
        about = {"flow": run.flow, "step": mail.step, "template": mail.template}
        draw, leaves = chance.random(), chance.random() < rates["unsubscribe"]
        replies = chance.random() < rates["reply"]
        read = world.now + self._after(chance, self._assumed.read_after)
        if draw < max(rates["open"], rates["click"]):
            world.at(read, partial(world.touch, member, "opened", about))
        if draw < rates["click"]:
            self._click(world, member, about, read + timedelta(minutes=1))
        if replies:
            later = read + timedelta(minutes=5)
            world.at(later, partial(world.touch, member, "sales_conversation", {"kind": "reply"}))
        if leaves:
            world.at(read, partial(world.unsubscribe, member, EMAIL_MARKETING))

    def handed(self, world: "World", member: Member, handed: Handed) -> None:
        """First answered in working hours, later decided."""
        chance, customs = self._of(member), self._sales
        accepts, wins = chance.random() < customs["accept"], chance.random() < customs["win"]
        first = world.now + self._after(chance, customs["contact_after"])
        at = handed.stands.terms.calendar.next_open(first) or first
        state = State.CONTACTED if accepts or handed.step else State.REJECTED

        def contact() -> None:
            if handed.state in RUNNING:
                sales.answer(world, member, handed, state)

        world.at(at, contact)
        if accepts and handed.step is None:
            end = at + self._after(chance, customs["decide_after"])
            outcome = State.WON if wins else State.LOST
            world.at(end, partial(sales.answer, world, member, handed, outcome))

    def _click(
        self, world: "World", member: Member, about: Mapping[str, str], at: datetime
    ) -> None:
        world.at(at, partial(world.touch, member, "clicked", about))
        for number in range(1, self._assumed.visits + 1):
            later = at + timedelta(minutes=number)
            world.at(later, partial(world.touch, member, "page", {"path": "/"}))

    def _of(self, member: Member) -> Random:
        name = member.lead.id
        if name not in self._random:
            self._random[name] = Random(f"{self._seed}/{name}")
        return self._random[name]

    @staticmethod
    def _after(chance: Random, average: timedelta) -> timedelta:
        """Most react soon, a few late."""
        return timedelta(seconds=chance.expovariate(1 / max(average.total_seconds(), 1)))
