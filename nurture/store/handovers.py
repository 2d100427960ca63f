"""Handovers, what happened to them, and what sales is to be told."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain import keys
from nurture.domain.owners import Load
from nurture.domain.sla import RUNNING, SALES_OWNED, State
from nurture.store import wakeups
from nurture.store.handover_tables import IN_HAND, HandoverEventRow, HandoverRow, NoticeRow

HANDOVER, TASK = "handover", "task"


async def open_of(session: AsyncSession, lead_id: str) -> HandoverRow | None:
    """The lead's one handover that sales has in hand."""
    query = select(HandoverRow).where(
        col(HandoverRow.lead_id) == lead_id,
        col(HandoverRow.kind) == HANDOVER,
        col(HandoverRow.state).in_(sorted(SALES_OWNED)),
    )
    return (await session.execute(query)).scalar_one_or_none()


async def current_of(session: AsyncSession, lead_id: str) -> HandoverRow | None:
    """The one that sales has in hand, or the lead's latest if that is won: an order may have been quicker than the
    word of sales."""
    query = (
        select(HandoverRow)
        .where(col(HandoverRow.lead_id) == lead_id, col(HandoverRow.kind) == HANDOVER)
        .order_by(col(HandoverRow.ordinal).desc())
        .limit(1)
    )
    running = await open_of(session, lead_id)
    last = running or (await session.execute(query)).scalar_one_or_none()
    return last if last and last.state in SALES_OWNED | {State.WON} else None


async def all_open(session: AsyncSession) -> Sequence[HandoverRow]:
    """Every handover that sales has in hand."""
    query = select(HandoverRow).where(
        col(HandoverRow.kind) == HANDOVER,
        col(HandoverRow.state).in_(sorted(SALES_OWNED)),
        col(HandoverRow.closed_at).is_(None),
    )
    return (await session.execute(query)).scalars().all()


async def in_hand(
    session: AsyncSession, owners: Sequence[str], size: int = 1000
) -> AsyncIterator[Sequence[HandoverRow]]:
    """What these have in hand, tasks too, page by page; held against other writers."""
    last = ""
    while True:
        query = (
            select(HandoverRow)
            .where(
                unclosed(),
                col(HandoverRow.state).in_(sorted(SALES_OWNED)),
                col(HandoverRow.owner).in_(owners),
                col(HandoverRow.id) > last,
            )
            .order_by(col(HandoverRow.id))
            .limit(size)
            .with_for_update()
        )
        page = (await session.execute(query)).scalars().all()
        if not page:
            return
        yield page
        last = page[-1].id


def unclosed(row: Any = HandoverRow) -> ColumnElement[bool]:
    """That it is not over. The release before left tasks unclosed that are done, and may still run beside this one."""
    done = and_(col(row.kind) == TASK, col(row.state).not_in(sorted(RUNNING)))
    return and_(col(row.closed_at).is_(None), not_(done))


async def is_owned(session: AsyncSession, lead_id: str, owner: str | None) -> bool:
    """Whether that owner has the lead, as in nurture.store.lead_list; always without an owner."""
    if owner is None:
        return True
    in_hand = unclosed()
    query = select(col(HandoverRow.owner), in_hand).where(col(HandoverRow.lead_id) == lead_id)
    rows = (await session.execute(query.order_by(col(HandoverRow.ordinal).desc()))).all()
    holders = [name for name, has in rows if has] or [name for name, _ in rows[:1]]
    return owner in holders


async def last(session: AsyncSession, lead_id: str) -> HandoverRow | None:
    """The latest of the lead's handovers and tasks that is not over; the latest of all without one."""
    query = (
        select(HandoverRow)
        .where(col(HandoverRow.lead_id) == lead_id)
        .order_by(unclosed().desc(), col(HandoverRow.ordinal).desc())
    )
    return (await session.execute(query.limit(1))).scalar_one_or_none()


async def next_ordinal(session: AsyncSession, lead_id: str) -> int:
    query = select(func.max(HandoverRow.ordinal)).where(col(HandoverRow.lead_id) == lead_id)
    return 1 + ((await session.execute(query)).scalar_one() or 0)


async def loads(session: AsyncSession, team: str, since: datetime) -> dict[str, Load]:
    """What each of the team got since then, and has in hand; whose turn it is follows from it."""
    given = await _by_owner(session, team, col(HandoverRow.opened_at) >= since)
    in_hand = await _by_owner(session, team, text(IN_HAND))
    return {owner: Load(given[owner], in_hand[owner]) for owner in given | in_hand}


async def _by_owner(session: AsyncSession, team: str, which: Any) -> Counter[str]:
    """Rows are counted here: by their owner the database would look through all there ever were."""
    query = select(col(HandoverRow.owner)).where(col(HandoverRow.team) == team, which)
    return Counter((await session.execute(query)).scalars())


def wake(session: AsyncSession, row: HandoverRow, now: datetime) -> None:
    wakeups.add(session, wakeups.HANDOVER, row.id, now)


def log(
    session: AsyncSession, row: HandoverRow, kind: str, at: datetime, by: str, detail: str = ""
) -> None:
    session.add(HandoverEventRow(handover_id=row.id, kind=kind, at=at, by=by, detail=detail))


async def events(session: AsyncSession, handover_id: str) -> list[HandoverEventRow]:
    query = select(HandoverEventRow).where(col(HandoverEventRow.handover_id) == handover_id)
    return list((await session.execute(query.order_by(col(HandoverEventRow.id)))).scalars())


async def tell(
    session: AsyncSession, row: HandoverRow, what: str, data: Mapping[str, Any], now: datetime
) -> NoticeRow:
    """Queue a notice `lead.handover.<what>` (or `lead.task.<what>`) behind the earlier ones."""
    query = select(func.count()).select_from(NoticeRow).where(col(NoticeRow.handover_id) == row.id)
    number = 1 + int((await session.execute(query)).scalar_one())
    notice = NoticeRow(
        id=keys.notice_id(row.id, str(number)),
        handover_id=row.id,
        number=number,
        type=f"lead.{row.kind}.{what}",
        data=dict(data),
        created_at=now,
        next_attempt_at=now,
    )
    session.add(notice)
    return notice


async def untold(session: AsyncSession, handover_id: str) -> list[NoticeRow]:
    """Notices still to be delivered, in order."""
    query = (
        select(NoticeRow)
        .where(
            col(NoticeRow.handover_id) == handover_id,
            col(NoticeRow.delivered_at).is_(None),
            col(NoticeRow.dead_at).is_(None),
        )
        .order_by(col(NoticeRow.number))
    )
    return list((await session.execute(query)).scalars())
