"""What should have happened by now and has not: the work that a quiet product has none of."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.store import messages
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.handover_tables import NoticeRow
from nurture.store.tables import CallRow, EnrolmentRow, LeadRow, MessageRow, WakeupRow


async def backlog(session: AsyncSession, at: datetime) -> dict[str, int]:
    """What was due at that moment and is not done, by kind; only kinds with something in them.

    Give a moment a little before now: what has just become due is not late yet.
    """
    member = AudienceMemberRow
    due: dict[str, tuple[Any, ...]] = {
        "wakeups": (WakeupRow.id, col(WakeupRow.created_at) <= at),
        "enrolments": (
            EnrolmentRow.id,
            col(EnrolmentRow.ended).is_(None),
            col(EnrolmentRow.wake_at) <= at,
        ),
        "mails": (
            MessageRow.id,
            col(MessageRow.state) == messages.CLAIMED,
            col(MessageRow.claimed_at) <= at,
        ),
        "notices": (
            NoticeRow.id,
            col(NoticeRow.delivered_at).is_(None),
            col(NoticeRow.dead_at).is_(None),
            col(NoticeRow.next_attempt_at) <= at,
        ),
        "calls": (CallRow.id, col(CallRow.next_attempt_at) <= at),
        "audience_changes": (
            member.lead_id,
            col(member.desired) != col(member.confirmed),
            col(member.next_try_at) <= at,
        ),
        "expired_scores": (LeadRow.id, col(LeadRow.next_score_at) <= at),
    }
    found = {}
    for kind, (column, *where) in due.items():
        query = select(func.count()).select_from(select(column).where(*where).subquery())
        found[kind] = int((await session.execute(query)).scalar_one())
    return {kind: number for kind, number in found.items() if number}
