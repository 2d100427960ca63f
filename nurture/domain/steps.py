"""What a flow is made of, where a lead can stand in it, and what a decision about it says.

A step's target of None is past the last step. The decision itself: nurture.domain.flow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from nurture.domain.calendar import ALWAYS, Calendar, Span
from nurture.domain.effects import Effect
from nurture.domain.gate import MailRules
from nurture.domain.lead import Condition, Lead


@dataclass(frozen=True)
class Email:
    """Send the mail `template`, or the one that `variants` names for the lead's persona, if the gate allows."""

    template: str
    next: str | None = None
    variants: Mapping[str, str] = field(default_factory=dict)

    @property
    def templates(self) -> frozenset[str]:
        return frozenset({self.template, *self.variants.values()})

    def for_persona(self, persona: str | None) -> str:
        return self.variants.get(persona or "", self.template)


@dataclass(frozen=True)
class Wait:
    """Stay for `span`, then if `window` is given until it next opens."""

    span: Span
    window: Calendar | None = None
    next: str | None = None
    window_in_lead_zone: bool = False


@dataclass(frozen=True)
class WaitUntil:
    """Stay until a moment: `date`, or what the lead's `trait` says, moved by `offset` (may be negative).

    A trait is an ISO 8601 date or time; without an offset from UTC it is in the lead's own zone, else the
    flow's. A trait that says no date leads to `otherwise`, a moment that has passed to `next`.
    """

    date: datetime | None = None
    trait: str | None = None
    offset: timedelta = timedelta()
    next: str | None = None
    otherwise: str | None = None

    def moment(self, lead: Lead, calendar: Calendar) -> datetime | None:
        """In UTC. The offset is counted on the zone's clock: 7 days from 09:00 is 09:00 again."""
        try:
            told = self.date or datetime.fromisoformat(str(lead.traits.get(self.trait or "")))
            zone = told.tzinfo or lead.zone or calendar.zone
            return (told.replace(tzinfo=zone) + self.offset).astimezone(UTC)
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True)
class WaitFor:
    """Stay until the touch (of that mail or task step), or the condition; after `within`, give up."""

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
    """Weighted arms (weights of 1 or more); the same lead always takes the same one."""

    arms: tuple[tuple[int, str | None], ...]


@dataclass(frozen=True)
class Act:
    """Something done at once that no gate guards; `effect` says what."""

    effect: Effect
    next: str | None = None


@dataclass(frozen=True)
class Goto:
    """Leave this flow and enter another."""

    flow: str


@dataclass(frozen=True)
class End:
    """The flow is over here, for this reason: `holdout` for the arm of a split that gets nothing."""

    reason: str = "finished"


class InFlight(StrEnum):
    """What becomes of the leads inside when a flow is edited: on in the new one, on in theirs, or out."""

    FOLLOW = "follow"
    FINISH_OLD = "finish_old"
    EXIT = "exit"


class Paused(StrEnum):
    """A flow that stands still: what falls due is held until it goes on, or skipped."""

    HOLD = "hold"
    SKIP = "skip"


Step = Email | Wait | WaitUntil | WaitFor | Branch | Split | Act | Goto | End


@dataclass(frozen=True)
class Flow:
    """A compiled, checked flow. Every step id in it is unique and stable across versions.

    `was` maps what a step was called before to its name now, `formerly` holds the flow's own earlier names;
    `origin` and `origins` say what the flow, and each step, was first called where that is another name, and
    `merged` what flows were first called that became part of this one.
    Two versions with the same `revision` mean the same for a lead inside; with the same `outline` they do as far as
    their names do.
    """

    id: str
    title: str
    steps: Mapping[str, Step]
    first: str | None
    goal: Condition | None = None
    exits: tuple[Condition, ...] = ()
    mail: MailRules = field(default_factory=MailRules)
    calendar: Calendar = ALWAYS
    live: bool = True
    paused: Paused | None = None
    in_flight: InFlight = InFlight.FOLLOW
    was: Mapping[str, str] = field(default_factory=dict)
    formerly: frozenset[str] = frozenset()
    merged: frozenset[str] = frozenset()
    origin: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""
    outline: str | None = None

    @property
    def opens_with_mail(self) -> bool:
        return isinstance(self.steps.get(self.first or ""), Email)

    @property
    def root(self) -> str:
        """What the flow was first called."""
        return self.origin or self.id

    def root_of(self, step: str) -> str:
        """What the step was first called."""
        return self.origins.get(step, step)

    def names_of(self, step: str) -> frozenset[str]:
        """What the step is called, and was called before."""
        return frozenset({step, *(old for old, now in self.was.items() if now == step)})


@dataclass(frozen=True)
class Cursor:
    """Where a lead stands (`step` None: past the last one), since when, and when it entered the flow.

    What the lead did before it `entered` is never an answer in this run; None: not known.
    """

    step: str | None
    since: datetime
    entered: datetime | None = None

    def to(self, step: str | None, now: datetime) -> "Cursor":
        return replace(self, step=step, since=now)


@dataclass(frozen=True)
class Move:
    """One decision: at most one effect, then go on at once, sleep, or be done.

    `wake_at` set: sleep until then, or until one of `listens` changes. `done` set: the enrolment is over,
    for that reason. Neither: call `advance` again after carrying out the effect. `why` tells what holds a
    mail that sleeps.
    """

    cursor: Cursor
    effect: Effect | None = None
    wake_at: datetime | None = None
    listens: frozenset[str] = field(default_factory=frozenset)
    done: str | None = None
    why: str = ""

    @property
    def sleeps(self) -> bool:
        return self.wake_at is not None
