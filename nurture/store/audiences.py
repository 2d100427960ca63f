"""Who should be on which ad audience, and who is."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain.audience import Membership
from nurture.store.tables import AudienceMemberRow


async def of_lead(session: AsyncSession, lead_id: str) -> dict[str, AudienceMemberRow]:
    query = select(AudienceMemberRow).where(col(AudienceMemberRow.lead_id) == lead_id)
    return {row.audience: row for row in (await session.execute(query)).scalars()}


def membership(lead_id: str, row: AudienceMemberRow | None) -> Membership:
    if row is None:
        return Membership(lead_id)
    return Membership(lead_id, row.by_step, row.since, row.confirmed)


async def owed(
    session: AsyncSession, audience: str, add: bool, now: datetime, limit: int
) -> list[AudienceMemberRow]:
    """The next page of additions or removals that may be tried now, in a stable order."""
    query = (
        select(AudienceMemberRow)
        .where(
            col(AudienceMemberRow.audience) == audience,
            col(AudienceMemberRow.desired) != col(AudienceMemberRow.confirmed),
            col(AudienceMemberRow.desired) == add,
            col(AudienceMemberRow.next_try_at) <= now,
        )
        .order_by(col(AudienceMemberRow.next_try_at), col(AudienceMemberRow.lead_id))
        .limit(limit)
    )
    return list((await session.execute(query)).scalars())


async def next_try(session: AsyncSession, audience: str) -> datetime | None:
    """When something owed may next be tried, or someone's stay ends."""
    wrong = select(func.min(AudienceMemberRow.next_try_at)).where(
        col(AudienceMemberRow.audience) == audience,
        col(AudienceMemberRow.desired) != col(AudienceMemberRow.confirmed),
    )
    leaving = select(func.min(AudienceMemberRow.leaves_at)).where(
        col(AudienceMemberRow.audience) == audience, col(AudienceMemberRow.desired)
    )
    times = [(await session.execute(query)).scalar_one() for query in (wrong, leaving)]
    return min((at for at in times if at is not None), default=None)


async def overstayed(session: AsyncSession, audience: str, now: datetime) -> list[AudienceMemberRow]:
    query = select(AudienceMemberRow).where(
        col(AudienceMemberRow.audience) == audience,
        col(AudienceMemberRow.desired),
        col(AudienceMemberRow.leaves_at) <= now,
    )
    return list((await session.execute(query)).scalars())


async def confirmed_ids(session: AsyncSession, audience: str) -> Sequence[str]:
    query = select(col(AudienceMemberRow.lead_id)).where(
        col(AudienceMemberRow.audience) == audience, col(AudienceMemberRow.confirmed)
    )
    return list((await session.execute(query.order_by(col(AudienceMemberRow.lead_id)))).scalars())
