"""The agreement: what marketing and sales promise each other, and what is due on a handover when.

A handover keeps the terms it was given. Its deadlines are a pure function of those terms and the moments
it was opened and paused, so a process that was down for a day finds exactly the deadlines it missed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.calendar import Calendar, Span
from nurture.domain.lead import Facts
from nurture.domain.owners import Assignment, Load, Owner, choose


class State(StrEnum):
    """Of a handover. While it runs its deadlines count; while sales owns the lead, nurture mails pause.

    Snoozed: the lead asked to wait, and the clock stands still until then. Booked: a meeting is agreed.
    """

    OPEN = "open"
    ACCEPTED = "accepted"
    SNOOZED = "snoozed"
    BOOKED = "booked"
    CONTACTED = "contacted"
    REJECTED = "rejected"
    RECYCLED = "recycled"
    WON = "won"
    LOST = "lost"


RUNNING = frozenset({State.OPEN, State.ACCEPTED, State.SNOOZED})
TALKING = frozenset({State.BOOKED, State.CONTACTED})
SALES_OWNED = RUNNING | TALKING
MEETING = frozenset({State.BOOKED, State.ACCEPTED})
"""Where a handover stands whose meeting is booked: accepted, where a booking is no contact."""
GIVEN_BACK = frozenset({State.REJECTED, State.LOST})
"""Ended by an answer of sales that may come without any contact."""

HOW_FAR = {
    State.OPEN: 0,
    State.SNOOZED: 1,
    State.ACCEPTED: 2,
    State.BOOKED: 3,
    State.CONTACTED: 3,
}
"""Sales is with a lead that it has in hand."""

ANSWERS: dict[State, frozenset[State]] = {
    State.ACCEPTED: frozenset({State.OPEN, State.SNOOZED}),
    State.CONTACTED: RUNNING | {State.BOOKED},
    State.BOOKED: SALES_OWNED,
    State.SNOOZED: RUNNING,
    State.REJECTED: SALES_OWNED,
    State.WON: SALES_OWNED | {State.LOST},
    State.LOST: SALES_OWNED,
}
"""Which states an answer of sales may follow. Anything else is refused with a sentence."""

DATED = frozenset({State.BOOKED, State.SNOOZED, State.REJECTED})
"""The answers that have a day: of the meeting, of the end of a snooze, of when the lead may come back."""

TASK_ANSWERS = frozenset(
    {State.ACCEPTED, State.CONTACTED, State.BOOKED, State.SNOOZED, State.REJECTED}
)
"""What can be said of a single task: it is done, or it will not be; orders belong to handovers."""

BOOKING = "booking"
EVIDENCE = ("call", "mail", "meeting", "message", BOOKING)
"""What may count as a contact: a way of talking, or that a meeting is agreed."""


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
    """Sales' promise on each lead: contacted `contact_within`, on the clock both sides accepted.

    A lead that nobody accepted `accept_within` goes to the next owner; None: only the contact counts.
    `contacted` is the evidence both sides accept; anything else is an attempt, and the clock runs on. A lead
    that sales talked to and told no outcome of `outcome_within` returns to marketing; None: never by itself.
    """

    contact_within: Span
    calendar: Calendar
    remind_at: tuple[float, ...] = (0.5, 0.8)
    escalations: tuple[Escalation, ...] = ()
    reassign_after: Span | None = None
    recycle_after: Span | None = None
    recycle_to: str | None = None
    accept_within: Span | None = None
    contacted: tuple[str, ...] = EVIDENCE
    outcome_within: Span | None = None


@dataclass(frozen=True)
class Pause:
    """The clock stands still from `start` to `end` (None: until further notice), for that reason."""

    start: datetime
    end: datetime | None = None
    why: str = ""

    def holds(self, now: datetime) -> bool:
        return self.start <= now and (self.end is None or now < self.end)


OWNER_ABSENT = "owner absent"


@dataclass(frozen=True)
class Promise:
    """What is counted over a period: SQLs by marketing, customers and their revenue by sales.

    `personas`: how many of the SQLs marketing promises of each of these.
    """

    sqls: int
    customers: int
    average_revenue: int
    currency: str
    period: timedelta
    personas: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Team:
    """Sales people in the order they take turns, and who gets whom."""

    id: str
    title: str
    owners: tuple[str, ...]
    people: tuple[Owner, ...] = ()
    assignments: tuple[Assignment, ...] = ()

    @property
    def members(self) -> tuple[Owner, ...]:
        """The owners with all that is known of them."""
        known = {owner.id: owner for owner in self.people}
        return tuple(known.get(name, Owner(name)) for name in self.owners)

    def member(self, name: str) -> Owner:
        """One who has left the team since is there always, and has no calendar of his own."""
        return next((owner for owner in self.members if owner.id == name), Owner(name))

    def turn(
        self, loads: Mapping[str, Load], facts: Facts, now: datetime, instead_of: str = ""
    ) -> Owner:
        """Whose turn it is; somebody else than `instead_of`, if there is anybody else."""
        others = [owner for owner in self.members if owner.id != instead_of] or self.members
        return self.member(choose(others, self.assignments, loads, facts, now))


@dataclass(frozen=True)
class Deadline:
    """Something due at a moment. `id` is stable, so that what was done is known by it."""

    id: str
    kind: Kind
    at: datetime
    to: str | None = None


def due_at(terms: Terms, opened_at: datetime, paused: Iterable[Pause] = ()) -> datetime:
    """When the contact is due. A pause without an end moves it once it has one."""
    return _end(terms.contact_within, opened_at, terms.calendar, paused)


def deadlines(
    terms: Terms, opened_at: datetime, paused: Iterable[Pause] = (), accepted: bool = False
) -> tuple[Deadline, ...]:
    """All that happens on an unanswered handover, in order of time."""
    paused = tuple(paused)
    due = due_at(terms, opened_at, paused)

    def end(span: Span, start: datetime, fraction: float = 1) -> datetime:
        return _end(span, start, terms.calendar, paused, fraction)

    plan = [
        Deadline(f"remind-{n}", Kind.REMIND, end(terms.contact_within, opened_at, fraction))
        for n, fraction in enumerate(terms.remind_at, start=1)
    ]
    plan += [
        Deadline(f"escalate-{n}", Kind.ESCALATE, end(step.after, due), step.to)
        for n, step in enumerate(terms.escalations, start=1)
    ]
    if terms.accept_within and not accepted:
        plan.append(Deadline("accept", Kind.REASSIGN, end(terms.accept_within, opened_at)))
    if terms.reassign_after:
        plan.append(Deadline("reassign", Kind.REASSIGN, end(terms.reassign_after, due)))
    if terms.recycle_after:
        at = end(terms.recycle_after, due)
        plan.append(Deadline("recycle", Kind.RECYCLE, at, terms.recycle_to))
    return tuple(sorted(plan, key=lambda deadline: (deadline.at, deadline.id)))


OUTCOME = "outcome"
"""The deadline of what became of a lead that sales talked to."""

ASKED = f"{OUTCOME}-remind"
"""Asked for once after each talk and meeting."""


def outcome(
    terms: Terms, talked_at: datetime, paused: Iterable[Pause] = ()
) -> tuple[Deadline, ...]:
    """What happens to a lead that sales last talked to then: its outcome is asked for, at last it is taken back."""
    if terms.outcome_within is None:
        return ()

    def end(fraction: float) -> datetime:
        return _end(terms.outcome_within or Span(), talked_at, terms.calendar, paused, fraction)

    shares = terms.remind_at[-1:]
    asked = [Deadline(ASKED, Kind.REMIND, end(share)) for share in shares]
    return (*asked, Deadline(OUTCOME, Kind.RECYCLE, end(1), terms.recycle_to))


def due_now(
    plan: Iterable[Deadline],
    done: frozenset[str],
    now: datetime,
    paused: Iterable[Pause] = (),
) -> tuple[list[Deadline], datetime | None]:
    """What is to be done at `now`, and when to look again (None: not by itself).

    During a pause nothing is due.
    """
    pauses = [pause for pause in paused if pause.holds(now)]
    if pauses:
        ends = [pause.end for pause in pauses if pause.end]
        return [], max(ends) if len(ends) == len(pauses) else None
    open_ = [deadline for deadline in plan if deadline.id not in done]
    later = min((deadline.at for deadline in open_ if deadline.at > now), default=None)
    return [deadline for deadline in open_ if deadline.at <= now], later


def kept(due: datetime, contacted_at: datetime | None, now: datetime) -> bool | None:
    """True: contacted in time. False: broken. None: still running."""
    if contacted_at is not None:
        return contacted_at <= due
    return False if now > due else None


def _end(
    span: Span,
    start: datetime,
    calendar: Calendar,
    paused: Iterable[Pause],
    fraction: float = 1,
) -> datetime:
    """When that part of the span is over: what was left of it when a pause began follows its end."""
    at = span.part(start, fraction, calendar) if fraction < 1 else span.after(start, calendar)
    since = start
    for pause in sorted(paused, key=lambda pause: pause.start):
        begin = max(pause.start, since)
        if pause.end is None or pause.end <= begin:
            continue
        if begin >= at:
            break
        left = calendar.between(begin, at) if span.in_business_time else at - begin
        at = (calendar.add(pause.end, left) if span.in_business_time else None) or pause.end + left
        since = pause.end
    return at
