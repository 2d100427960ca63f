"""What should have happened by now and has not: the work that a quiet product has none of."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.store import messages
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.handover_tables import NoticeRow
from nurture.store.tables import CallRow, EnrolmentRow, LeadRow, MessageRow, WakeupRow


@dataclass(frozen=True)
class Late:
    """How many are due and not done, and since when the oldest of them."""

    number: int = 0
    since: datetime | None = None


ENROLMENTS = "enrolments"


async def backlog(
    session: AsyncSession, at: datetime, but: Collection[str] = ()
) -> dict[str, Late]:
    """What was due at that moment and is not done, by kind, `but` some; each by an index on its due time.

    Give a moment a little before now: what has just become due is not late yet.
    """
    member = AudienceMemberRow
    due: dict[str, tuple[Any, ...]] = {
        "wakeups": (col(WakeupRow.created_at),),
        ENROLMENTS: (col(EnrolmentRow.wake_at), col(EnrolmentRow.ended).is_(None)),
        "mails": (col(MessageRow.claimed_at), col(MessageRow.state) == messages.CLAIMED),
        "notices": (
            col(NoticeRow.next_attempt_at),
            col(NoticeRow.delivered_at).is_(None),
            col(NoticeRow.dead_at).is_(None),
        ),
        "calls": (col(CallRow.next_attempt_at),),
        "audience_changes": (
            col(member.next_try_at),
            col(member.desired) != col(member.confirmed),
        ),
        "expired_scores": (col(LeadRow.next_score_at),),
    }
    found = {}
    for kind, (since, *where) in due.items():
        if kind in but:
            continue
        query = select(func.count(), func.min(since)).where(since <= at, *where)
        found[kind] = Late(*(await session.execute(query)).one())
    return found
