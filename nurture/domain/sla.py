"""The agreement: what marketing and sales promise each other, and what is due on a handover when.

A handover keeps the terms it was given. Its deadlines are a pure function of those terms and the moments
it was opened and paused, so a process that was down for a day finds exactly the deadlines it missed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.calendar import Calendar, Span


class State(StrEnum):
    """Of a handover. The first two are open: the clock runs and nurture mails pause."""

    OPEN = "open"
    ACCEPTED = "accepted"
    CONTACTED = "contacted"
    REJECTED = "rejected"
    RECYCLED = "recycled"
    WON = "won"
    LOST = "lost"


RUNNING = frozenset({State.OPEN, State.ACCEPTED})
SALES_OWNED = RUNNING | {State.CONTACTED}

ANSWERS: dict[State, frozenset[State]] = {
    State.ACCEPTED: frozenset({State.OPEN}),
    State.CONTACTED: frozenset({State.OPEN, State.ACCEPTED}),
    State.REJECTED: frozenset({State.OPEN, State.ACCEPTED, State.CONTACTED}),
    State.WON: frozenset({State.ACCEPTED, State.CONTACTED, State.OPEN, State.LOST}),
    State.LOST: frozenset({State.OPEN, State.ACCEPTED, State.CONTACTED}),
}
"""Which states an answer of sales may follow. Anything else is refused with a sentence."""


class Kind(StrEnum):
    """What becomes due on a handover."""

    REMIND = "remind"
    ESCALATE = "escalate"
    REASSIGN = "reassign"
    RECYCLE = "recycle"


@dataclass(frozen=True)
class Escalation:
    """Told `after` the deadline was broken (zero: at the deadline itself)."""

    to: str
    after: Span = field(default_factory=Span)


@dataclass(frozen=True)
class Terms:
    """Sales' promise on each lead: contacted `contact_within`, on the clock both sides accepted."""

    contact_within: Span
    calendar: Calendar
    remind_at: tuple[float, ...] = (0.5, 0.8)
    escalations: tuple[Escalation, ...] = ()
    reassign_after: Span | None = None
    recycle_after: Span | None = None
    recycle_to: str | None = None


@dataclass(frozen=True)
class Promise:
    """What is counted over a period: SQLs by marketing, customers and their revenue by sales."""

    sqls: int
    customers: int
    average_revenue: int
    currency: str
    period: timedelta


@dataclass(frozen=True)
class Team:
    """Sales people in the order they take turns, and where their tasks are sent."""

    id: str
    title: str
    owners: tuple[str, ...]
    endpoint: str = "default"


@dataclass(frozen=True)
class Deadline:
    """Something due at a moment. `id` is stable, so that what was done is known by it."""

    id: str
    kind: Kind
    at: datetime
    to: str | None = None


def due_at(terms: Terms, opened_at: datetime) -> datetime:
    """When the contact is due."""
    return terms.contact_within.after(opened_at, terms.calendar)


def deadlines(terms: Terms, opened_at: datetime) -> tuple[Deadline, ...]:
    """All that happens on an unanswered handover, in order of time."""
    due = due_at(terms, opened_at)
    span, calendar = terms.contact_within, terms.calendar
    plan = [
        Deadline(f"remind-{index}", Kind.REMIND, span.part(opened_at, fraction, calendar))
        for index, fraction in enumerate(terms.remind_at, start=1)
    ]
    plan += [
        Deadline(f"escalate-{n}", Kind.ESCALATE, step.after.after(due, calendar), step.to)
        for n, step in enumerate(terms.escalations, start=1)
    ]
    if terms.reassign_after:
        plan.append(Deadline("reassign", Kind.REASSIGN, terms.reassign_after.after(due, calendar)))
    if terms.recycle_after:
        at = terms.recycle_after.after(due, calendar)
        plan.append(Deadline("recycle", Kind.RECYCLE, at, terms.recycle_to))
    return tuple(sorted(plan, key=lambda deadline: (deadline.at, deadline.id)))


def due_now(
    plan: Iterable[Deadline], done: frozenset[str], now: datetime
) -> tuple[list[Deadline], datetime | None]:
    """What is to be done at `now`, and when something next will be (None: nothing more)."""
    open_ = [deadline for deadline in plan if deadline.id not in done]
    later = min((deadline.at for deadline in open_ if deadline.at > now), default=None)
    return [deadline for deadline in open_ if deadline.at <= now], later


def kept(due: datetime, contacted_at: datetime | None, now: datetime) -> bool | None:
    """True: contacted in time. False: broken. None: still running."""
    if contacted_at is not None:
        return contacted_at <= due
    return False if now > due else None
