"""What should have happened by now and has not: the work that a quiet product has none of."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.store.tables import (
    AudienceMemberRow,
    EnrolmentRow,
    LeadRow,
    MessageRow,
    NoticeRow,
    WakeupRow,
)


async def backlog(session: AsyncSession, now: datetime) -> dict[str, int]:
    """Numbers by kind; only kinds with something in them."""
    member = AudienceMemberRow
    due: dict[str, tuple[Any, ...]] = {
        "wakeups": (WakeupRow.id,),
        "enrolments": (
            EnrolmentRow.id,
            col(EnrolmentRow.ended).is_(None),
            col(EnrolmentRow.wake_at) <= now,
        ),
        "mails": (MessageRow.id, col(MessageRow.state) == "claimed"),
        "notices": (
            NoticeRow.id,
            col(NoticeRow.delivered_at).is_(None),
            col(NoticeRow.dead_at).is_(None),
        ),
        "audience_changes": (member.lead_id, col(member.desired) != col(member.confirmed)),
        "expired_scores": (LeadRow.id, col(LeadRow.next_score_at) <= now),
    }
    found = {}
    for kind, (column, *where) in due.items():
        query = select(func.count()).select_from(select(column).where(*where).subquery())
        found[kind] = int((await session.execute(query)).scalar_one())
    return {kind: number for kind, number in found.items() if number}
