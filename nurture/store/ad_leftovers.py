"""Whom a platform did not let go of when their audience moved to another list: they hold nobody else up. They stay owed
to the old list as an audience of its own that no playbook has, and are with theirs again if that comes back.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain.audience import Audience
from nurture.store import ad_lists, ad_requests, audiences, wakeups
from nurture.store.audience_tables import AudienceMemberRow, AudienceRow

_AT_ONCE = 1000

_Row = AudienceMemberRow

_CARRIED = (*audiences.GONE, "changed_at", "next_try_at", "objects")
"""What is about the list, and not about who should be on it."""


async def leave(session: AsyncSession, name: str, now: datetime) -> bool:
    """The next of them are owed apart from their audience, as soon as nobody else is left on the list; whether there
    may be more."""
    if await audiences.anyone_named(session, name, refused=False):
        return False
    state = await ad_lists.state(session, name)
    if state is None or not await audiences.anyone_named(session, name):
        return False
    there = apart(state)
    if await ad_lists.state(session, there) is None:
        ad_lists.begin(session, Audience(there, there, state.platform, state.external_id))
    wakeups.add(session, wakeups.AUDIENCE, there, now)
    return await _carry(session, name, there, now)


async def fetch(session: AsyncSession, name: str, now: datetime) -> bool:
    """The next of them are with their audience again, which is on their list; whether there may be more."""
    state = await ad_lists.state(session, name)
    if state is None:
        return False
    there = apart(state)
    wakeups.add(session, wakeups.AUDIENCE, there, now)
    return await _carry(session, there, name, now)


def apart(state: AudienceRow) -> str:
    """What those are under whom this audience leaves on its list. No name of a playbook has such signs."""
    return f"{state.name}@{state.platform}:{state.external_id}"


async def _carry(session: AsyncSession, source: str, target: str, now: datetime) -> bool:
    there = select(col(_Row.lead_id)).where(col(_Row.audience) == target, col(_Row.named))
    query = select(_Row).where(
        col(_Row.audience) == source, col(_Row.named), col(_Row.lead_id).not_in(there)
    )
    rows = (await session.execute(query.limit(_AT_ONCE).with_for_update())).scalars().all()
    for row in rows:
        found = await session.get(_Row, (target, row.lead_id))
        found = found or audiences.enter(session, target, row.lead_id, now)
        for field in _CARRIED:
            setattr(found, field, getattr(row, field))
        for field, value in audiences.GONE.items():
            setattr(row, field, value)
    if rows:
        await ad_requests.carry(session, source, target)
    return len(rows) == _AT_ONCE
