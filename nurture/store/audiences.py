"""Who should be on which ad audience, and who is."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain.audience import Membership
from nurture.ports import Person
from nurture.store.tables import AudienceMemberRow, LeadRow


def enter(session: AsyncSession, audience: str, lead_id: str, now: datetime) -> AudienceMemberRow:
    """A lead that this list knows nothing of so far."""
    row = AudienceMemberRow(audience=audience, lead_id=lead_id, changed_at=now, next_try_at=now)
    session.add(row)
    return row


def want(row: AudienceMemberRow, desired: bool, max_stay: timedelta | None, now: datetime) -> None:
    """Whether the lead should be on the list from now on, and until when."""
    row.desired, row.changed_at, row.next_try_at, row.attempts = desired, now, now, 0
    row.since = row.since or (now if desired else None)
    row.leaves_at = row.since + max_stay if row.since and max_stay else None


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


async def overstayed(
    session: AsyncSession, audience: str, now: datetime
) -> list[AudienceMemberRow]:
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


async def ask(session: AsyncSession, audience: str, lead_id: str, add: bool, now: datetime) -> None:
    """A flow's step puts the lead on the list or takes it off; consent still decides (see reactions)."""
    row = await session.get(AudienceMemberRow, (audience, lead_id))
    if row is None:
        row = enter(session, audience, lead_id, now)
    row.by_step = add


async def lock(session: AsyncSession, stale: AudienceMemberRow) -> AudienceMemberRow | None:
    """The row as it is now: it may have changed while the platform was being called."""
    key = (stale.audience, stale.lead_id)
    return await session.get(AudienceMemberRow, key, with_for_update=True)


async def person(session: AsyncSession, row: AudienceMemberRow, add: bool) -> Person:
    """Whom to name to the platform: who the lead is now, but for a removal whom we named then."""
    if not add and row.sent_as:
        return Person(**row.sent_as)
    lead = await session.get(LeadRow, row.lead_id)
    traits = lead.traits if lead else {}
    return Person(
        lead_id=row.lead_id,
        email=lead.email if lead else None,
        phone=traits.get("phone"),
        first_name=traits.get("first_name"),
        last_name=traits.get("last_name"),
        country=traits.get("country"),
    )


def postpone(row: AudienceMemberRow, error: str, until: datetime) -> None:
    row.attempts += 1
    row.error, row.next_try_at = error, until
