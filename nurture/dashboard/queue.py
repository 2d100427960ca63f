"""The handovers of the dashboard: lists sorted by the time that is left, and one with its clock explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain import sla
from nurture.domain.calendar import ALWAYS, Calendar, Span
from nurture.domain.handover import Handover
from nurture.domain.sla import Deadline, Pause, State, Terms
from nurture.handovers import tenure
from nurture.store import handovers, leads, queue
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverEventRow, HandoverRow
from nurture.store.paging import Key, cut
from nurture.store.queue import OVER, STATES
from nurture.store.tables import LeadRow
from nurture.versions.shelf import Shelf

PAGE = 50
LISTS = (*STATES, OVER)


@dataclass(frozen=True)
class Line:
    """One row of a list. `left`: until the contact is due, in the playbook's own days; None once nobody waits."""

    id: str
    lead_id: str
    lead: str
    persona: str
    kind: str
    owner: str
    state: str
    reason: str
    opened_at: datetime
    due_at: datetime
    left: timedelta | None
    share: float
    """Of the time for the contact that has run down, 0 to 1 and beyond."""

    until: datetime | None
    outcome: str


@dataclass(frozen=True)
class Page:
    lines: Sequence[Line]
    numbers: dict[str, int]
    owners: Sequence[str]
    before: Key | None
    after: Key | None


@dataclass(frozen=True)
class Clock:
    """Why it is due when it is. `hours` is None where the clock never stops; `deadlines` with whether done."""

    terms: Terms
    hours: Calendar | None
    pauses: Sequence[Pause]
    deadlines: Sequence[tuple[Deadline, bool]]


@dataclass(frozen=True)
class Detail:
    """`promised`: the time for the contact, in the playbook's own days."""

    row: HandoverRow
    line: Line
    events: Sequence[HandoverEventRow]
    clock: Clock
    promised: Span


class Queue:
    def __init__(self, db: Database, shelf: Shelf) -> None:
        self._db = db
        self._shelf = shelf

    async def page(
        self, which: str, owner: str | None, now: datetime, after: Key | None = None
    ) -> Page:
        """A list of LISTS, PAGE rows behind `after`; with `owner` only what that one has."""
        async with self._db.read() as session:
            day = (await self._shelf.current(session)).day
            rows = await queue.page(session, which, owner, after, PAGE + 1)
            numbers = await queue.numbers(session, owner, now)
            names = await queue.owners(session)
        over = which == OVER
        page = cut(rows, after, PAGE, lambda found: _place(found[0], over))
        lines = [_line(row, lead, now, day) for row, lead in page.rows]
        return Page(lines, numbers, names, page.before, page.after)

    async def show(self, handover_id: str, owner: str | None, now: datetime) -> Detail | None:
        """None when there is no such handover, or another owner has it."""
        async with self._db.read() as session:
            row = await session.get(HandoverRow, handover_id)
            lead = await session.get(LeadRow, row.lead_id) if row else None
            if row is None or lead is None or owner not in (None, row.owner):
                return None
            current = await self._shelf.current(session)
            playbook = await self._shelf.version(session, row.playbook)
            events = await handovers.events(session, row.id)
            handover = tenure.read(row, playbook, current)
            session.expunge(row)
        row.due_at = handover.due_at
        line = _line(row, lead, now, current.day)
        promised = _uncompressed(handover.terms.contact_within, current.day)
        return Detail(row, line, events, _clock(handover), promised)


def _uncompressed(span: Span, day: timedelta) -> Span:
    """As the marketer wrote it, whatever the pace."""
    faster = timedelta(days=1) / day
    open_time = None if span.open_time is None else span.open_time * faster
    return Span(span.elapsed * faster, open_time, span.business_days)


def _clock(handover: Handover) -> Clock:
    terms = handover.terms
    always = not terms.contact_within.in_business_time or terms.calendar == ALWAYS
    return Clock(
        terms=terms,
        hours=None if always else terms.calendar,
        pauses=handover.paused,
        deadlines=[(deadline, deadline.id in handover.done) for deadline in handover.plan],
    )


def _place(row: HandoverRow, over: bool) -> tuple[datetime, str]:
    """In the order of its list."""
    return (row.opened_at if over else row.due_at), row.id


def _line(row: HandoverRow, lead: LeadRow, now: datetime, day: timedelta) -> Line:
    waits = State(row.state) in sla.RUNNING
    whole = (row.due_at - row.opened_at).total_seconds()
    gone = (now - row.opened_at).total_seconds()
    return Line(
        id=row.id,
        lead_id=row.lead_id,
        lead=leads.name(lead) or lead.email or "",
        persona=leads.persona(lead),
        kind=row.kind,
        owner=row.owner,
        state=row.state,
        reason=row.reason,
        opened_at=row.opened_at,
        due_at=row.due_at,
        left=(row.due_at - now) * (timedelta(days=1) / day) if waits else None,
        share=gone / whole if whole > 0 else 1.0,
        until=row.until,
        outcome=row.outcome or "",
    )
