"""What a lead in a flow does next: one pure function, one step at a time.

A flow is a graph of steps without cycles; nested `then`/`do` lists are flattened when the playbook is
compiled, so the cursor is one step id and the moment the lead came to it. A wait keeps no deadline: it is
computed from that moment and the flow in force, so a wait that was edited means what it now says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from nurture.domain import gate, topics
from nurture.domain.calendar import ALWAYS, Calendar, Span
from nurture.domain.gate import MailRules
from nurture.domain.lead import Condition, Facts, Touch


@dataclass(frozen=True)
class Email:
    """Send the mail `template`, if the gate allows it."""

    template: str
    next: str | None = None


@dataclass(frozen=True)
class Wait:
    """Stay for `span`, then if `window` is given until it next opens."""

    span: Span
    window: Calendar | None = None
    next: str | None = None


@dataclass(frozen=True)
class WaitFor:
    """Stay until the touch (of that mail step), or the condition; after `within`, give up."""

    within: Span
    touch: str | None = None
    of: str | None = None
    when: Condition | None = None
    then: str | None = None
    otherwise: str | None = None


@dataclass(frozen=True)
class Branch:
    """The first arm whose condition holds, else `otherwise`."""

    arms: tuple[tuple[Condition, str | None], ...]
    otherwise: str | None = None


@dataclass(frozen=True)
class Split:
    """Weighted arms; the same lead always takes the same one."""

    arms: tuple[tuple[int, str | None], ...]


@dataclass(frozen=True)
class Act:
    """Something done at once that no gate guards; `effect` says what."""

    effect: "Effect"
    next: str | None = None


@dataclass(frozen=True)
class Goto:
    """Leave this flow and enter another."""

    flow: str


Step = Email | Wait | WaitFor | Branch | Split | Act | Goto


@dataclass(frozen=True)
class Flow:
    """A compiled, checked flow. Every step id in it is unique and stable across versions."""

    id: str
    title: str
    steps: Mapping[str, Step]
    first: str | None
    goal: Condition | None = None
    exits: tuple[Condition, ...] = ()
    mail: MailRules = MailRules()
    calendar: Calendar = ALWAYS
    live: bool = True


@dataclass(frozen=True)
class SendMail:
    step: str
    template: str


@dataclass(frozen=True)
class RefuseMail:
    step: str
    template: str
    reason: str


@dataclass(frozen=True)
class ChangeAudience:
    audience: str
    add: bool


@dataclass(frozen=True)
class CreateTask:
    """Ask sales for one thing: call, mail or meet the lead. `title` is a template of one line."""

    step: str
    kind: str
    team: str
    title: str


@dataclass(frozen=True)
class HandOver:
    """Give the lead to sales for good, under the SLA."""

    reason: str


@dataclass(frozen=True)
class SetTrait:
    name: str
    value: Any


@dataclass(frozen=True)
class SetTag:
    tag: str
    add: bool = True


@dataclass(frozen=True)
class Enrol:
    flow: str


Effect = SendMail | RefuseMail | ChangeAudience | CreateTask | HandOver | SetTrait | SetTag | Enrol


@dataclass(frozen=True)
class Cursor:
    """Where a lead stands (`step` None: past the last one) and since when."""

    step: str | None
    since: datetime


@dataclass(frozen=True)
class Move:
    """One decision: at most one effect, then go on at once, sleep, or be done.

    `wake_at` or `listens` set: sleep. `done` set: the enrolment is over, for that reason.
    Neither: call `advance` again after carrying out the effect.
    """

    cursor: Cursor
    effect: Effect | None = None
    wake_at: datetime | None = None
    listens: frozenset[str] = field(default_factory=frozenset)
    done: str | None = None

    @property
    def sleeps(self) -> bool:
        return self.wake_at is not None


def advance(flow: Flow, cursor: Cursor, facts: Facts, now: datetime) -> Move:
    """The next move of a lead that stands at `cursor`. Total: every valid flow and cursor has one."""
    if ended := _ended(flow, cursor, facts, now):
        return Move(cursor, done=ended)
    step = flow.steps.get(cursor.step) if cursor.step else None
    match step:
        case None:
            return Move(cursor, done="finished" if cursor.step is None else "step_removed")
        case Email():
            return _email(flow, step, cursor, facts, now)
        case Wait():
            return _wait(flow, step, cursor, now)
        case WaitFor():
            return _wait_for(flow, step, cursor, facts, now)
        case Branch():
            hits = (target for condition, target in step.arms if condition(facts, now))
            return Move(Cursor(next(hits, step.otherwise), now))
        case Split():
            return Move(Cursor(_arm(flow, step, cursor, facts), now))
        case Act():
            return Move(Cursor(step.next, now), effect=step.effect)
        case Goto():
            return Move(cursor, effect=Enrol(step.flow), done="moved")


def listens(flow: Flow) -> frozenset[str]:
    """The topics that can end any enrolment in the flow, wherever it stands."""
    conditions = [*flow.exits, *([flow.goal] if flow.goal else [])]
    return frozenset().union(*(condition.topics for condition in conditions))


def _ended(flow: Flow, cursor: Cursor, facts: Facts, now: datetime) -> str | None:
    if facts.lead.erased:
        return "erased"
    if flow.goal and flow.goal(facts, now):
        return "goal"
    return "exit" if any(condition(facts, now) for condition in flow.exits) else None


def _email(flow: Flow, step: Email, cursor: Cursor, facts: Facts, now: datetime) -> Move:
    assert cursor.step is not None
    past = Cursor(step.next, now)
    match gate.ask(flow.mail, facts, now, waiting_since=cursor.since):
        case gate.Send():
            return Move(past, effect=SendMail(cursor.step, step.template))
        case gate.Refuse(reason):
            return Move(past, effect=RefuseMail(cursor.step, step.template, reason))
        case gate.Hold(_, until, topics_):
            consent = frozenset({topics.CONSENT})
            return Move(cursor, wake_at=until, listens=topics_ | consent | listens(flow))


def _wait(flow: Flow, step: Wait, cursor: Cursor, now: datetime) -> Move:
    until = step.span.after(cursor.since, flow.calendar)
    if step.window:
        until = step.window.next_open(until) or until
    if now >= until:
        return Move(Cursor(step.next, now))
    return Move(cursor, wake_at=until, listens=listens(flow))


def _wait_for(flow: Flow, step: WaitFor, cursor: Cursor, facts: Facts, now: datetime) -> Move:
    if any(_answers(step, touch, cursor) for touch in facts.touches):
        return Move(Cursor(step.then, now))
    if step.when and step.when(facts, now):
        return Move(Cursor(step.then, now))
    deadline = step.within.after(cursor.since, flow.calendar)
    if now >= deadline:
        return Move(Cursor(step.otherwise, now))
    awaited = step.when.topics if step.when else frozenset()
    if step.touch:
        awaited |= {topics.touch(step.touch)}
    return Move(cursor, wake_at=deadline, listens=awaited | listens(flow))


def _answers(step: WaitFor, touch: Touch, cursor: Cursor) -> bool:
    """A human touch of that name; of a named mail at any time, else since the wait began."""
    if touch.name != step.touch or touch.machine:
        return False
    if step.of:
        return touch.properties.get("step") == step.of
    return touch.at >= cursor.since


def _arm(flow: Flow, step: Split, cursor: Cursor, facts: Facts) -> str | None:
    """Sticky by lead: the arm depends on ids only, so an edit elsewhere moves nobody."""
    digest = sha256(f"{flow.id}/{cursor.step}/{facts.lead.id}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") % sum(weight for weight, _ in step.arms)
    for weight, target in step.arms:
        if point < weight:
            return target
        point -= weight
    raise AssertionError("weights are positive, so some arm was taken")


