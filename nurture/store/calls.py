"""Calls of webhook steps: which are due, and what became of them."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.store import leases
from nurture.store.tables import CallRow

_LEASE = timedelta(seconds=30)
"""Longer than any try takes; what a process that died in between had in hand is tried again then."""


async def asked(session: AsyncSession, ids: Sequence[str]) -> bool:
    """Whether any of these calls was ever queued."""
    query = select(col(CallRow.id)).where(col(CallRow.id).in_(ids))
    return (await session.execute(query.limit(1))).first() is not None


async def take_due(
    session: AsyncSession, now: datetime, limit: int = 20, but: Collection[str] = ()
) -> list[CallRow]:
    """Calls to be tried now, `but` those to these receivers; leased to the caller."""
    among = [col(CallRow.endpoint).not_in(sorted(but))] if but else []
    return await leases.take(session, CallRow, "next_attempt_at", now, _LEASE, limit, *among)


async def record(
    session: AsyncSession, call_id: str, error: str, again: datetime | None, now: datetime
) -> None:
    """`error` empty: it was heard. Else it is tried `again`, or given up (None). Whose person was erased while it was
    on its way stays given up."""
    row = await session.get(CallRow, call_id, with_for_update=True)
    if row is None:
        return
    row.attempts += 1
    if error and row.dead_at:
        return
    row.error, row.next_attempt_at = error, again
    row.delivered_at = None if error else now
    row.dead_at = now if error and again is None else None
