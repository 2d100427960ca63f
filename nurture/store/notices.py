"""Notices that did not get through, and whether the receiver takes any."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.store import wakeups
from nurture.store.handover_tables import NoticeRow, ReceiverRow

SALES = "sales"
"""The one receiver of all notices."""

_LISTED = 500


async def closed(session: AsyncSession) -> ReceiverRow | None:
    """The receiver's word that it wants no more calls; None while it takes them."""
    return await session.get(ReceiverRow, SALES)


async def close(session: AsyncSession, error: str, now: datetime) -> None:
    """No more calls until somebody opens it again; what is still to be told is put aside."""
    await session.merge(ReceiverRow(name=SALES, closed_at=now, error=error))
    await session.execute(
        update(NoticeRow)
        .where(col(NoticeRow.delivered_at).is_(None), col(NoticeRow.dead_at).is_(None))
        .values(dead_at=now, next_attempt_at=None, error=f"receiver closed: {error}")
    )


async def put_aside(session: AsyncSession, notices: list[NoticeRow], now: datetime) -> None:
    for notice in notices:
        row = await session.merge(notice)
        row.dead_at, row.next_attempt_at, row.error = now, None, "receiver closed"


async def dead(session: AsyncSession) -> list[NoticeRow]:
    """What was given up, in the order in which it should have been told."""
    query = select(NoticeRow).where(col(NoticeRow.dead_at).is_not(None)).limit(_LISTED)
    order = (col(NoticeRow.created_at), col(NoticeRow.handover_id), col(NoticeRow.number))
    return list((await session.execute(query.order_by(*order))).scalars())


async def of_handover(session: AsyncSession, handover_id: str) -> list[NoticeRow]:
    query = select(NoticeRow).where(col(NoticeRow.handover_id) == handover_id)
    return list((await session.execute(query.order_by(col(NoticeRow.number)))).scalars())


async def on_their_way(session: AsyncSession) -> list[dict[str, Any]]:
    """Type and data of what the receiver is yet to be told."""
    query = select(NoticeRow).where(
        col(NoticeRow.next_attempt_at).is_not(None), col(NoticeRow.delivered_at).is_(None)
    )
    rows = (await session.execute(query)).scalars()
    return [{"type": row.type, "data": row.data} for row in rows]


async def again(session: AsyncSession, row: NoticeRow, now: datetime) -> None:
    """Due at once, with a full round of tries; whoever runs the relay hands the wake-up over."""
    row.attempts, row.error, row.next_attempt_at = 0, "", now
    row.delivered_at = row.dead_at = None
    await wakeups.spread(session, wakeups.HANDOVER, [row.handover_id], now, timedelta())
