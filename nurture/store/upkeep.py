"""Pages of what should be going on, and the record of what was not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, delete, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain.sla import RUNNING
from nurture.store import messages, wakeups
from nurture.store.backlog import Standing
from nurture.store.handover_tables import HandoverRow, NoticeRow
from nurture.store.handovers import unclosed
from nurture.store.tables import EnrolmentRow, MessageRow
from nurture.store.upkeep_tables import DriftRow, UpkeepRow

KEPT = timedelta(days=90)
"""So long it is known what was found."""


@dataclass(frozen=True)
class Night:
    """One comparison: how many it looked at and what it found, by kind and problem."""

    began_at: datetime
    ended_at: datetime | None
    looked: dict[str, int]
    found: dict[str, int]


async def active(
    session: AsyncSession, after: str, started_before: datetime, limit: int
) -> Sequence[EnrolmentRow]:
    """The next page of enrolments whose turn has come and that are running, or have ended with a mail to send once
    more. Each kind goes by its own index: together they would be looked for among all that ever ran."""
    row = EnrolmentRow
    turn = col(row.id) > after, col(row.started_at) < started_before
    running = select(row.id).where(col(row.ended).is_(None), *turn)
    once_more = (
        select(row.id)
        .join(MessageRow, col(MessageRow.enrolment_id) == col(row.id))
        .where(col(MessageRow.state).in_(messages.OPEN), col(row.ended).is_not(None), *turn)
        .where(_sends_again())
        .distinct()
    )
    pages = [query.order_by(col(row.id)).limit(limit) for query in (running, once_more)]
    ids = [id_ for page in pages for id_ in (await session.execute(page)).scalars()]
    query = select(row).where(col(row.id).in_(sorted(ids)[:limit])).order_by(col(row.id))
    return (await session.execute(query)).scalars().all()


def _sends_again() -> ColumnElement[bool]:
    return cast(col(EnrolmentRow.again), String) != "[]"


async def with_sales(
    session: AsyncSession, after: str, opened_before: datetime, limit: int
) -> Sequence[HandoverRow]:
    """The next page of handovers and tasks that are not over."""
    query = (
        select(HandoverRow)
        .where(
            unclosed(),
            col(HandoverRow.id) > after,
            col(HandoverRow.opened_at) < opened_before,
        )
        .order_by(col(HandoverRow.id))
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def untold(
    session: AsyncSession, after: str, created_before: datetime, limit: int
) -> Sequence[str]:
    """The next page of handovers and tasks that no deadline keeps going, and of which sales is yet to be told."""
    query = (
        select(col(NoticeRow.handover_id))
        .join(HandoverRow, col(HandoverRow.id) == col(NoticeRow.handover_id))
        .where(
            col(NoticeRow.delivered_at).is_(None),
            col(NoticeRow.dead_at).is_(None),
            col(NoticeRow.handover_id) > after,
            col(NoticeRow.created_at) < created_before,
            col(HandoverRow.state).not_in(sorted(RUNNING)),
        )
        .distinct()
        .order_by(col(NoticeRow.handover_id))
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def begun_since(session: AsyncSession, since: datetime) -> list[Standing]:
    """What all of these leave out for having begun so lately, and is not over."""
    run, handover, notice = EnrolmentRow, HandoverRow, NoticeRow
    runs = select(run.id, run.flow).where(col(run.started_at) >= since, col(run.ended).is_(None))
    opened = select(handover.id).where(unclosed(), col(handover.opened_at) >= since)
    untold = select(notice.handover_id).where(
        col(notice.delivered_at).is_(None),
        col(notice.dead_at).is_(None),
        col(notice.created_at) >= since,
    )
    found = [Standing(wakeups.ENROLMENT, *row) for row in (await session.execute(runs)).all()]
    told = {key for query in (opened, untold) for key in (await session.execute(query)).scalars()}
    return [*found, *(Standing(wakeups.HANDOVER, key) for key in sorted(told))]


async def ended(session: AsyncSession, ids: Collection[str], before: datetime) -> set[str]:
    """Which of these enrolments ended before then and have no mail to send once more, or are not known at all."""
    going_on = or_(
        col(EnrolmentRow.ended_at).is_(None),
        col(EnrolmentRow.ended_at) >= before,
        _sends_again(),
    )
    query = select(EnrolmentRow.id).where(col(EnrolmentRow.id).in_(ids), going_on)
    return set(ids) - set((await session.execute(query)).scalars())


async def closed(session: AsyncSession, ids: Collection[str], before: datetime) -> set[str]:
    """Which of these handovers were over before then with nothing left to tell, or are not known at all."""
    untold = select(NoticeRow.handover_id).where(
        col(NoticeRow.handover_id).in_(ids),
        col(NoticeRow.delivered_at).is_(None),
        col(NoticeRow.dead_at).is_(None),
    )
    going_on = select(HandoverRow.id).where(
        col(HandoverRow.id).in_(ids),
        col(HandoverRow.closed_at).is_(None) | (col(HandoverRow.closed_at) >= before),
    )
    busy = [
        *(await session.execute(untold)).scalars(),
        *(await session.execute(going_on)).scalars(),
    ]
    return set(ids) - set(busy)


async def begin(session: AsyncSession, night: str, now: datetime) -> UpkeepRow:
    """The record of that night, made at its first page; what is too old is forgotten then."""
    row = await session.get(UpkeepRow, night)
    if row is None:
        old = select(UpkeepRow.id).where(col(UpkeepRow.began_at) < now - KEPT)
        await session.execute(delete(DriftRow).where(col(DriftRow.upkeep_id).in_(old)))
        await session.execute(delete(UpkeepRow).where(col(UpkeepRow.began_at) < now - KEPT))
        row = UpkeepRow(id=night, began_at=now)
        session.add(row)
        await session.flush()
    return row


async def note(
    session: AsyncSession, night: str, kind: str, key: str, what: str, now: datetime
) -> None:
    """Once for each workflow a night, however often its page is looked at."""
    if await session.get(DriftRow, (night, kind, key)) is None:
        session.add(DriftRow(upkeep_id=night, kind=kind, key=key, what=what, at=now))


async def nights(session: AsyncSession, limit: int = 10) -> list[Night]:
    """The latest comparisons, newest first."""
    query = select(UpkeepRow).order_by(col(UpkeepRow.began_at).desc()).limit(limit)
    rows = (await session.execute(query)).scalars().all()
    return [
        Night(row.began_at, row.ended_at, row.looked, await _found(session, row.id)) for row in rows
    ]


async def drifts(session: AsyncSession, limit: int = 100) -> Sequence[DriftRow]:
    """The latest differences, newest first."""
    query = select(DriftRow).order_by(col(DriftRow.at).desc(), col(DriftRow.key)).limit(limit)
    return (await session.execute(query)).scalars().all()


async def _found(session: AsyncSession, night: str) -> dict[str, int]:
    query = (
        select(DriftRow.kind, DriftRow.what, func.count())
        .where(col(DriftRow.upkeep_id) == night)
        .group_by(col(DriftRow.kind), col(DriftRow.what))
    )
    rows = (await session.execute(query)).all()
    return {f"{kind}: {what}": int(number) for kind, what, number in sorted(rows)}
