"""Into a flow: whoever is brought in by what happened waits for a free turn; an operator may bring one in."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from nurture import crowd
from nurture.domain.enrolment import BY_HAND, Trigger, asks_anew, may_enter, outside, turn
from nurture.domain.errors import InputError
from nurture.domain.lead import Facts
from nurture.playbook import Playbook
from nurture.playbook.findings import suggest
from nurture.store import enrolments, leads, wakeups
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, LeadRow
from nurture.versions.shelf import Shelf

IMPORT = "import"
IMPORTED_A_DAY = 864_000
"""Imported leads enter a flow without a cap of its own at ten a second."""

BROUGHT = "by hand"
"""How the reason of a run begins into which somebody brought the lead."""

_STARTS = "starts"


async def enter(
    session: AsyncSession,
    playbook: Playbook,
    row: LeadRow,
    facts: Facts,
    runs: list[EnrolmentRow],
    heard: Sequence[Trigger],
    now: datetime,
) -> None:
    """Begin every flow that what was `heard` brings the lead into; `runs` are all of its enrolments."""
    for name, entry in playbook.entries.items():
        flow = playbook.flows[name]
        if not flow.live or flow.paused:
            continue
        of_flow = enrolments.runs_of(runs, flow)
        if of_flow and outside(entry, facts, now):
            row.lapsed = sorted({*row.lapsed, name})
        anew = asks_anew(entry, flow, heard)
        if may_enter(entry, heard, facts, of_flow, now, name in row.lapsed, anew):
            enrolments.supersede(session, runs, flow, now)
            imported = any(trigger.topic == IMPORT for trigger in heard)
            start = await _turn(session, playbook, name, row.id, imported, now)
            begin(session, playbook, row, facts, name, runs, now, start=start)


def next_turn(
    playbook: Playbook, runs: Sequence[EnrolmentRow], now: datetime, asked: bool
) -> datetime | None:
    """When a flow that the lead has been in lets it in again, if it does nothing until then.

    `asked`: its flows were just asked. If not, as when only the rules are others, one whose time is over is due now.
    """
    times = (
        entry.next_turn(enrolments.runs_of(runs, playbook.flows[name]), now, asked)
        for name, entry in playbook.returning.items()
    )
    return min(filter(None, times), default=None)


def look_again(playbook: Playbook, row: LeadRow, run: EnrolmentRow, now: datetime) -> None:
    """A run is over. If it took longer than `again`, nobody looks at its flow for the lead any more."""
    entry = playbook.returning.get(run.flow)
    if entry and entry.outlasted(enrolments.told(run), now) and not row.erased_at:
        row.next_score_at = min(row.next_score_at or now, now)


def begin(
    session: AsyncSession,
    playbook: Playbook,
    row: LeadRow,
    facts: Facts,
    flow: str,
    runs: list[EnrolmentRow],
    now: datetime,
    reason: str = "",
    start: datetime | None = None,
) -> EnrolmentRow:
    """As nurture.store.enrolments has it. From now on the condition of the flow's entry has to lapse anew, unless it
    does not hold as it is."""
    lapsed = {flow} if outside(playbook.entries[flow], facts, now) else set()
    row.lapsed = sorted({*row.lapsed} - {flow} | lapsed)
    return enrolments.begin(session, playbook, row.id, flow, runs, now, reason, start)


class Enrolling:
    """By an operator's hand."""

    def __init__(self, db: Database, shelf: Shelf) -> None:
        self._db = db
        self._shelf = shelf

    async def by_hand(self, name: str, flow: str, by: str, now: datetime) -> str:
        """The new enrolment's id. Raises InputError with the reason why the lead cannot enter."""
        async with self._db.write() as session:
            playbook = await self._shelf.current(session)
            found = await leads.find(session, name)
            row = await leads.lock_joined(session, found.id) if found else None
            if row is None:
                raise InputError("no lead goes by this name", name)
            if flow not in playbook.flows:
                raise InputError(f"there is no such flow; {suggest(flow, playbook.flows)}", flow)
            if not playbook.flows[flow].live or playbook.flows[flow].paused:
                raise InputError("the flow is a draft, or paused", flow)
            runs = await enrolments.of_lead(session, row.id)
            facts = await leads.facts(session, row, now)
            of_flow = enrolments.runs_of(runs, playbook.flows[flow])
            entry, lapsed = playbook.entries[flow], flow in row.lapsed
            if not may_enter(entry, [Trigger(BY_HAND)], facts, of_flow, now, lapsed):
                raise InputError(_why_not([run.active for run in of_flow]), name)
            run = begin(session, playbook, row, facts, flow, runs, now, f"{BROUGHT} ({by})")
            wakeups.leave_to_relay(session, now)
            return run.id

    async def take_out(self, lead_id: str, run_id: str, now: datetime) -> None:
        """End that run of that lead. Raises InputError when it is not under way."""
        async with self._db.write() as session:
            run = await enrolments.lock(session, run_id)
            if run is None or run.lead_id != lead_id or run.ended:
                raise InputError("the lead is not in this flow any more")
            enrolments.end(run, enrolments.REMOVED, now)
            enrolments.wake(session, run, now)
            wakeups.leave_to_relay(session, now)


def _why_not(runs_active: Sequence[bool]) -> str:
    if any(runs_active):
        return "the lead is in this flow already"
    if runs_active:
        return "the lead was in this flow before, and `again` does not let it in yet"
    return "the lead is erased, or the flow is not open now"


async def _turn(
    session: AsyncSession, playbook: Playbook, flow: str, lead: str, imported: bool, now: datetime
) -> datetime | None:
    """When the lead's turn is; None: at once."""
    a_day = playbook.entries[flow].a_day
    if a_day is None and imported:
        a_day = round(IMPORTED_A_DAY * (timedelta(days=1) / playbook.day))
    if a_day is None:
        asked_for = playbook.flows[flow].mail.transactional
        return None if asked_for else crowd.turn(session, now)
    starts: dict[str, datetime | None] = session.info.setdefault(_STARTS, {})
    if not starts:
        await enrolments.take_turn(session)
    if flow not in starts:
        starts[flow] = await enrolments.last_start(session, flow)
    at = turn(a_day, starts[flow], now, lead)
    starts[flow] = max(at, starts[flow] or at)
    return at if at > now else None
