"""What people are assumed to do: a small YAML file, drawn at random with a seed that makes it repeatable."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, TypeAdapter

from nurture.domain.consent import EMAIL_MARKETING
from nurture.domain.errors import PlaybookError
from nurture.domain.flow import SendMail
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


class Rates(Model):
    """Of the mails sent. Who clicks has opened; a reply counts as a talk with sales."""

    open: Rate | None = None
    click: Rate | None = None
    reply: Rate | None = None
    unsubscribe: Rate | None = None


class Sales(Model):
    """Of the leads given to sales. `calls_a_day`: how many new ones one person can take on; only compared."""

    accept: Rate = 0.7
    win: Rate = 0.15
    contact_after: Elapsed = timedelta(hours=20)
    decide_after: Elapsed = timedelta(days=14)
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

    def rates(self, step: str) -> Mapping[str, float]:
        """What the step's own rates leave out, those of all mails say, else what is usual."""
        told = [
            each.model_dump(exclude_none=True)
            for each in (self.mails, self.steps.get(step))
            if each
        ]
        return {**_USUAL, **told[0], **told[-1]}


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


class Chance:
    """People who follow the assumptions. Each lead draws from its own numbers: one more lead changes no other."""

    def __init__(self, assumptions: Assumptions, seed: int) -> None:
        self._assumed = assumptions
        self._seed = seed
        self._random: dict[str, Random] = {}

    def mailed(self, world: "World", member: Member, run: Run, mail: SendMail) -> None:
        """One draw decides opening and clicking, so that whoever clicks has opened."""
        chance, rates = self._of(member), self._assumed.rates(mail.step)
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
        chance, assumed = self._of(member), self._assumed.sales
        accepts, wins = chance.random() < assumed.accept, chance.random() < assumed.win
        first = world.now + self._after(chance, assumed.contact_after)
        at = handed.terms.calendar.next_open(first) or first
        state = State.CONTACTED if accepts or handed.step else State.REJECTED

        def contact() -> None:
            if handed.state in RUNNING:
                sales.answer(world, member, handed, state)

        world.at(at, contact)
        if accepts and handed.step is None:
            end = at + self._after(chance, assumed.decide_after)
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
