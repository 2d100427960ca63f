"""Which senders stand still, and the figures they are judged by."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Integer, Select, bindparam, cast, text
from sqlalchemy import select as select_columns
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain.watch import Sent
from nurture.store import wakeups
from nurture.store.columns import table, unless_there
from nurture.store.feedback_tables import SenderRow
from nurture.store.tables import EnrolmentRow, MessageRow

HELD = "sender_paused"
"""Why mails of a paused sender wait."""

_SENT = ("accepted", "delivered", "bounced", "complained", "unknown")


async def paused(session: AsyncSession, sender: str) -> bool:
    return (await session.execute(_paused(), {"sender": sender})).first() is not None


@cache
def _paused() -> Select[str]:
    row = table(SenderRow).c
    return select_columns(row.id).where(row.id == bindparam("sender"), row.paused_at.is_not(None))


async def take_turn(session: AsyncSession, sender: str) -> None:
    """Until this transaction ends, nobody else counts and claims mails of the sender, so a count stays true."""
    locked = select(col(SenderRow.id)).where(col(SenderRow.id) == sender).with_for_update()
    if (await session.execute(locked)).first() is None:
        await session.execute(
            unless_there(session, SenderRow, [{"id": sender, "reason": "", "by": ""}])
        )
        await session.execute(locked)


async def rows(session: AsyncSession) -> Mapping[str, SenderRow]:
    return {row.id: row for row in (await session.execute(select(SenderRow))).scalars()}


async def sent(
    session: AsyncSession, since: datetime, sender: str | None = None
) -> dict[str, dict[str, Sent]]:
    """What became of mails that went out since then: by sender, then by flow."""
    message = MessageRow
    hard, spam = col(message.bounce) == "hard", col(message.state) == "complained"
    query = (
        select_columns(
            col(message.sender),
            col(message.flow),
            func.count(),
            func.sum(cast(func.coalesce(hard, False), Integer)),
            func.sum(cast(spam, Integer)),
        )
        .where(col(message.claimed_at) > since, col(message.state).in_(_SENT))
        .group_by(col(message.sender), col(message.flow))
    )
    if sender is not None:
        query = query.where(col(message.sender) == sender)
    found: defaultdict[str, dict[str, Sent]] = defaultdict(dict)
    for sender_, flow, mails, bounced, complained in await session.execute(query):
        found[sender_][flow] = Sent(mails, int(bounced or 0), int(complained or 0))
    return found


async def wake(session: AsyncSession, flows: Sequence[str], now: datetime) -> int:
    """Look again at every mail of these flows that waits for its sender; how many."""
    query = select(col(EnrolmentRow.id)).where(
        col(EnrolmentRow.flow).in_(flows),
        col(EnrolmentRow.ended).is_(None),
        col(EnrolmentRow.held) == HELD,
        text("held <> ''"),  # as the partial index has it, or SQLite does without it
    )
    waiting = list((await session.execute(query)).scalars())
    for enrolment_id in waiting:
        wakeups.add(session, wakeups.ENROLMENT, enrolment_id, now)
    return len(waiting)
