"""A lead, what it did, and what is known of it at one moment."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from nurture.domain import cases

VISITOR = "visitor"

NOTHING: Mapping[str, Any] = MappingProxyType({})

TOUCHES_LOOKED_AT = 500
"""Of each kind a decision sees this many of a lead's latest touches, whatever it did besides and machines did since;
scores count all."""


class Touch(NamedTuple):
    """Something a lead did. `machine` names the reason when no human did it (scanner, proxy).

    `at` is when it happened, by the clock of whoever tells; `known_at` when we heard of it, by ours. A tuple, since
    little is made as often.
    """

    id: str
    name: str
    at: datetime
    properties: Mapping[str, Any] = NOTHING
    machine: str | None = None
    known_at: datetime | None = None


def looked_at(touches: Sequence[Touch]) -> tuple[Touch, ...]:
    """What a decision sees of one lead's touches, both newest first."""
    if len(touches) <= TOUCHES_LOOKED_AT:
        return tuple(touches)
    seen: Counter[str] = Counter()
    latest = []
    for touch in sorted(touches, key=lambda touch: touch.machine is not None):
        seen[touch.name] += 1
        if seen[touch.name] <= TOUCHES_LOOKED_AT:
            latest.append(touch)
    return tuple(sorted(latest, key=lambda touch: touch.at, reverse=True))


@dataclass(frozen=True)
class Lead:
    """A person (or, in the stage `visitor`, still only a browser)."""

    id: str
    email: str | None = None
    traits: Mapping[str, Any] = field(default_factory=dict)
    stage: str = VISITOR
    persona: str | None = None
    tags: frozenset[str] = frozenset()
    zone: tzinfo | None = None
    created_at: datetime | None = None
    erased: bool = False


@dataclass(frozen=True)
class Score:
    """Points at one moment: fit (what the lead says) and engagement (what it does).

    `grade` is both at a glance, A1 (best) to D4; empty when the playbook has no grades.
    """

    fit: int = 0
    engagement: int = 0
    grade: str = ""

    @property
    def total(self) -> int:
        return self.fit + self.engagement


@dataclass(frozen=True)
class Standing:
    """What a mail to this lead depends on besides the mail itself.

    `sent`: when it got mails; `waiting`: the priorities of other flows' mails that wait for their turn.
    `talks_until`: sales is in conversation with it; marketing keeps quiet until then. `declined`: purposes
    and parts of them it said no to. `soft_bounces`: how many of its latest mails in a row came back for a
    passing reason. `paused_until`: it asked for a break. `sender_paused`: whoever sends this mail stands
    still, since too many mails came back or were complained about.
    `turn`: when the sender of the mail, which may send so many a day, has room for it; None: it has.
    """

    consents: frozenset[str] = frozenset()
    suppressed: str | None = None
    sales_owned: bool = False
    open_cases: frozenset[str] = frozenset()
    sent: tuple[datetime, ...] = ()
    waiting: tuple[int, ...] = ()
    talks_until: datetime | None = None
    declined: frozenset[str] = frozenset()
    soft_bounces: int = 0
    paused_until: datetime | None = None
    sender_paused: bool = False
    turn: datetime | None = None

    def __post_init__(self) -> None:
        """A flow is about products in small letters."""
        if self.open_cases:
            object.__setattr__(self, "open_cases", cases.folded(self.open_cases))


@dataclass(frozen=True)
class Stay:
    """One run through a flow, for the conditions in it: when the lead `entered` (None: not known), and since when it
    is at its step."""

    entered: datetime | None
    since: datetime


@dataclass(frozen=True)
class Facts:
    """All that a decision about one lead may look at. Touches stand newest first. `stay`: only inside a flow."""

    lead: Lead
    score: Score = Score()
    touches: tuple[Touch, ...] = ()
    standing: Standing = Standing()
    stay: Stay | None = None


class Condition(Protocol):
    """A marketer's yes/no question. `topics` names what can change its answer (see `topics`)."""

    @property
    def source(self) -> str: ...

    @property
    def topics(self) -> frozenset[str]: ...

    def __call__(self, facts: Facts, now: datetime) -> bool: ...

    def next_change(self, facts: Facts, now: datetime) -> datetime | None:
        """When its answer may be another one although nothing happens; None: never."""
