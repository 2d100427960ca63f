"""Notices that did not get through, and whether the receiver takes any."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, literal, select

from nurture.store import wakeups
from nurture.store.columns import Moment
from nurture.store.handover_tables import NoticeRow, ReceiverRow

SALES = "sales"
"""The one receiver of all notices."""

_GIVEN_UP = (col(NoticeRow.dead_at).is_not(None), col(NoticeRow.error) != "")
"""What an erasure withdrew has no error, and nothing is left of it to tell."""


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


def put_aside(notices: Iterable[NoticeRow], now: datetime) -> None:
    for row in notices:
        row.dead_at, row.next_attempt_at, row.error = now, None, "receiver closed"


async def begin(session: AsyncSession, id: str) -> NoticeRow | None:
    """The notice as it now goes out; None when it is to be told no more. The try is counted before it is made: whoever
    erases the person meanwhile must know that sales may have heard."""
    row = await session.get_one(NoticeRow, id, with_for_update=True)
    if row.delivered_at or row.dead_at:
        return None
    row.attempts += 1
    return row


async def record(
    session: AsyncSession, id: str, error: str, again: datetime | None, now: datetime
) -> datetime | None:
    """What became of the try. `error` empty: it was heard. Else it is tried `again`, which is returned, or given up
    (None). What was given up, or heard, while it was on its way stays so."""
    row = await session.get_one(NoticeRow, id, with_for_update=True)
    if error and (row.dead_at or row.delivered_at):
        return None
    row.error, row.next_attempt_at = error, again
    row.delivered_at = None if error else now
    row.dead_at = now if error and again is None else None
    return again


async def withdraw(session: AsyncSession, handover_id: str, now: datetime) -> list[NoticeRow]:
    """What waits to be told is not told any more. All notices of the handover, held against whoever tells them."""
    query = select(NoticeRow).where(col(NoticeRow.handover_id) == handover_id)
    ordered = query.order_by(col(NoticeRow.number)).with_for_update()
    rows = list((await session.execute(ordered)).scalars())
    for row in rows:
        if row.delivered_at is None and row.dead_at is None:
            row.dead_at = now
    return rows


def may_be_known(row: NoticeRow) -> bool:
    """Whether sales may have heard it. One that is sent again has no tries to show, but another time than its first."""
    sent_again = row.next_attempt_at not in (None, row.created_at)
    return bool(row.delivered_at or row.attempts or sent_again)


async def dead(session: AsyncSession, after: NoticeRow | None, limit: int) -> list[NoticeRow]:
    """What was given up, with the reason, in the order in which it should have been told; `after`: behind that one."""
    order = (col(NoticeRow.created_at), col(NoticeRow.handover_id), col(NoticeRow.number))
    query = select(NoticeRow).where(*_GIVEN_UP).order_by(*order).limit(limit)
    if after:
        mark = (literal(after.created_at, Moment()), after.handover_id, after.number)
        query = query.where(tuple_(*order) > tuple_(*mark))
    return list((await session.execute(query)).scalars())


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


async def again(session: AsyncSession, ids: Sequence[str], now: datetime) -> int:
    """Due at once, with a full round of tries; whoever runs the relay hands the wake-ups over. How many."""
    return await _again(session, now, col(NoticeRow.id).in_(ids))


async def all_again(session: AsyncSession, now: datetime) -> int:
    """The same for all that were given up."""
    return await _again(session, now, *_GIVEN_UP)


async def _again(session: AsyncSession, now: datetime, *which: ColumnElement[bool]) -> int:
    afresh = (
        update(NoticeRow)
        .where(*which)
        .values(attempts=0, error="", next_attempt_at=now, delivered_at=None, dead_at=None)
    )
    found = (await session.execute(afresh.returning(col(NoticeRow.handover_id)))).scalars().all()
    await wakeups.spread(session, wakeups.HANDOVER, sorted(set(found)), now, timedelta())
    return len(found)
