"""Enrolments: who is in which flow, where, and what would wake it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Select, bindparam, text, update
from sqlalchemy import select as select_columns
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain import gate, keys
from nurture.domain.edits import FLOW_CHANGED
from nurture.domain.enrolment import Run
from nurture.domain.flow import Cursor, Flow
from nurture.domain.gate import DAILY_LIMIT
from nurture.playbook import Playbook
from nurture.store import wakeups
from nurture.store.columns import table
from nurture.store.tables import EnrolmentRow

SOON = timedelta(seconds=1)
"""A start that near is waited for by the workflow itself."""

_STARTS = 0x73746172
"""The lock's number on PostgreSQL. SQLite has one writer anyway."""

SUPERSEDED, REMOVED = "superseded", "removed by hand"

COMPETE = ("frequency_cap", "priority", "send_window")
"""What a mail waits for while it still means to go as soon as it may."""


async def lock(session: AsyncSession, enrolment_id: str) -> EnrolmentRow | None:
    return await session.get(EnrolmentRow, enrolment_id, with_for_update=True)


async def of_lead(session: AsyncSession, lead_id: str) -> list[EnrolmentRow]:
    query = select(EnrolmentRow).where(col(EnrolmentRow.lead_id) == lead_id)
    return list((await session.execute(query)).scalars())


def runs_of(rows: Iterable[EnrolmentRow], flow: Flow) -> list[Run]:
    """Also one that still goes by an earlier name: it was begun while the others were renamed."""
    names = {flow.id, *flow.formerly}
    return [told(row) for row in rows if row.flow in names]


def told(row: EnrolmentRow) -> Run:
    return Run(row.started_at, row.ended is None, row.ended in (REMOVED, FLOW_CHANGED))


def begin(
    session: AsyncSession,
    playbook: Playbook,
    lead_id: str,
    flow: str,
    runs: list[EnrolmentRow],
    now: datetime,
    reason: str = "",
    start: datetime | None = None,
) -> EnrolmentRow:
    """A new run at the flow's first step; its workflow starts after the commit, or the relay starts it at `start`.

    `runs` are all the lead's enrolments so far; the new one is appended.
    """
    begins = start or now
    row = following(playbook, lead_id, flow, runs, begins, reason)
    session.add(row)
    runs.append(row)
    sender = _first_sender(playbook, flow)
    if begins > now + SOON:
        wakeups.later(session, wakeups.ENROLMENT, row.id, begins, flow, sender)
    else:
        wakeups.add(session, wakeups.ENROLMENT, row.id, now, flow, sender)
    return row


def following(
    playbook: Playbook,
    lead_id: str,
    flow: str,
    runs: Sequence[EnrolmentRow],
    begins: datetime,
    reason: str = "",
) -> EnrolmentRow:
    """What the lead's next run through the flow will be, at its first step; nothing is stored."""
    ordinal, id_ = _next(lead_id, flow, runs)
    return EnrolmentRow(
        id=id_,
        lead_id=lead_id,
        flow=flow,
        ordinal=ordinal,
        playbook=playbook.hash,
        step=playbook.flows[flow].first,
        since=begins,
        wake_at=begins,
        started_at=begins,
        reason=reason,
    )


def _next(lead_id: str, flow: str, runs: Sequence[EnrolmentRow]) -> tuple[int, str]:
    """The new run's ordinal and id. A run of a flow that was called so before keeps the id of that name."""
    taken = {row.id for row in runs}
    ordinal = 1 + max((row.ordinal for row in runs if row.flow == flow), default=0)
    while (id_ := keys.enrolment_id(lead_id, flow, ordinal)) in taken:
        ordinal += 1
    return ordinal, id_


def _first_sender(playbook: Playbook, flow: str) -> str:
    """Whose queue a run's first look belongs to; nobody's when no mail comes first, or one that overtakes others."""
    opening = playbook.flows[flow]
    return playbook.sender_of[flow] if opening.opens_with_mail and not opening.mail.urgent else ""


def wake(session: AsyncSession, row: EnrolmentRow, now: datetime) -> None:
    """Its workflow looks at it after the commit."""
    wakeups.add(session, wakeups.ENROLMENT, row.id, now, row.flow)


async def take_turn(session: AsyncSession) -> None:
    """Until this transaction ends, nobody else gives out starts in flows that let so many in a day.

    One lock for all of them: of two batches that bring leads into the same flows, neither waits for the other in turn.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(select_columns(func.pg_advisory_xact_lock(_STARTS)))


async def last_start(session: AsyncSession, flow: str) -> datetime | None:
    """When the latest run of the flow starts, or started; after `take_turn` it stays the latest."""
    query = select(func.max(EnrolmentRow.started_at)).where(col(EnrolmentRow.flow) == flow)
    found = (await session.execute(query)).scalar_one()
    return found if isinstance(found, datetime) else None


def cursor(row: EnrolmentRow) -> Cursor:
    return Cursor(row.step, row.since, row.started_at)


def move(
    row: EnrolmentRow,
    to: Cursor,
    wake_at: datetime | None,
    listens: Iterable[str],
    held: str = "",
) -> None:
    waited = row.waited.split() if to.step == row.step else []
    if held in gate.THE_LEADS and held not in waited:
        waited.append(held)
    row.waited = " ".join(waited)
    row.step, row.since = to.step, to.since
    row.wake_at, row.held = wake_at, held
    row.listens = sorted(listens)


def end(row: EnrolmentRow, why: str, now: datetime) -> None:
    row.ended, row.ended_at, row.wake_at, row.listens = why, now, None, []


def supersede(
    session: AsyncSession, rows: Iterable[EnrolmentRow], flow: Flow, now: datetime
) -> None:
    """End what is under way of the flow, since a new run answers all that this one would."""
    for row in rows:
        if row.ended is None and row.flow in {flow.id, *flow.formerly}:
            end(row, SUPERSEDED, now)
            wake(session, row, now)


async def end_all(session: AsyncSession, leads: Sequence[str], why: str, now: datetime) -> int:
    """End what these leads have under way, and wake it so that its workflow closes today and not in weeks."""
    query = select(EnrolmentRow).where(
        col(EnrolmentRow.lead_id).in_(leads), col(EnrolmentRow.ended).is_(None)
    )
    rows = list((await session.execute(query.with_for_update())).scalars())
    for row in rows:
        end(row, why, now)
        wake(session, row, now)
    return len(rows)


@cache
def _competing() -> Select[str]:
    run = table(EnrolmentRow).c
    return select_columns(run.flow).where(
        run.lead_id == bindparam("lead"),
        run.id != bindparam("run"),
        run.ended.is_(None),
        run.held.in_(COMPETE),
    )


async def held_mails(
    session: AsyncSession, playbook: Playbook, run: EnrolmentRow
) -> tuple[int, ...]:
    """The priorities of the lead's other flows whose mail waits for its turn."""
    given = {"lead": run.lead_id, "run": run.id}
    flows = (await session.execute(_competing(), given)).scalars()
    return tuple(playbook.flows[flow].mail.priority for flow in flows if flow in playbook.flows)


async def line(
    session: AsyncSession, flows: Sequence[str], now: datetime, tomorrow: datetime
) -> tuple[int, datetime | None]:
    """Of mails of these flows that wait for their sender's day: how many come today, and when the last one does."""
    waiting = (
        col(EnrolmentRow.held) == DAILY_LIMIT,
        text("held <> ''"),  # SQLite takes a partial index only for the words of its condition
        col(EnrolmentRow.ended).is_(None),
        col(EnrolmentRow.flow).in_(flows),
    )
    today = (col(EnrolmentRow.wake_at) > now, col(EnrolmentRow.wake_at) < tomorrow)
    count = select(func.count()).select_from(EnrolmentRow).where(*waiting, *today)
    last = select(func.max(EnrolmentRow.wake_at)).where(*waiting)
    found = (await session.execute(last)).scalar_one()
    return int((await session.execute(count)).scalar_one()), found


async def in_flight(
    session: AsyncSession, flows: Sequence[str] | None = None, size: int = 1000
) -> AsyncIterator[Sequence[EnrolmentRow]]:
    """The running enrolments of these flows (None: of all), page by page."""
    last = ""
    among = [] if flows is None else [col(EnrolmentRow.flow).in_(flows)]
    while True:
        query = (
            select(EnrolmentRow)
            .where(*among, col(EnrolmentRow.ended).is_(None), col(EnrolmentRow.id) > last)
            .order_by(col(EnrolmentRow.id))
            .limit(size)
        )
        page = (await session.execute(query)).scalars().all()
        if not page:
            return
        yield page
        last = page[-1].id
        for row in page:
            session.expunge(row)


async def rename(session: AsyncSession, before: str, name: str, ended: bool = False) -> None:
    """All runs of a flow, past ones too, go by its new name, behind those that had it already. `ended`: only they."""
    query = select(func.max(EnrolmentRow.ordinal)).where(col(EnrolmentRow.flow) == name)
    taken = (await session.execute(query)).scalar_one() or 0
    only = [col(EnrolmentRow.ended).is_not(None)] if ended else []
    await session.execute(
        update(EnrolmentRow)
        .where(col(EnrolmentRow.flow) == before, *only)
        .values(flow=name, ordinal=col(EnrolmentRow.ordinal) + taken)
    )


async def rename_one(session: AsyncSession, run: EnrolmentRow, name: str) -> None:
    """The same for one that the others left behind."""
    theirs = [row.ordinal for row in await of_lead(session, run.lead_id) if row.flow == name]
    run.flow, run.ordinal = name, run.ordinal + max(theirs, default=0)
