"""Handovers as lists, a page at a time by key: each page costs the same however many there are."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, not_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import case, col, func, select

from nurture.domain.sla import RUNNING, SALES_OWNED, TALKING
from nurture.store import paging
from nurture.store.handover_tables import HandoverRow
from nurture.store.handovers import unclosed
from nurture.store.paging import Key
from nurture.store.tables import LeadRow

OVER = "over"
STATES: dict[str, Collection[str]] = {
    "waiting": sorted(RUNNING),
    "talking": sorted(TALKING),
}
"""The lists of what sales has in hand; everything else, and with it every task that is done, is in OVER."""


async def page(
    session: AsyncSession, which: str, owner: str | None, after: Key | None, limit: int
) -> Sequence[tuple[HandoverRow, LeadRow]]:
    """What has to be done first stands first; of what is over, the newest."""
    row = HandoverRow
    over = which == OVER
    at = col(row.opened_at) if over else col(row.due_at)
    query = select(HandoverRow, LeadRow).join(LeadRow, col(LeadRow.id) == col(row.lead_id))
    listed = not_(unclosed()) if over else and_(unclosed(), col(row.state).in_(STATES[which]))
    query = query.where(listed)
    if owner is not None:
        query = query.where(col(row.owner) == owner)
    order = (at, col(row.id))
    found = await paging.rows(session, query, after, order, limit, newest_first=over)
    return [(each[0], each[1]) for each in found]


async def numbers(session: AsyncSession, owner: str | None, now: datetime) -> dict[str, int]:
    """How many there are on each list in hand, and how many of those waiting are late."""
    row = HandoverRow
    late = case((col(row.due_at) < now, 1), else_=0)
    query = select(col(row.state), func.count(), func.sum(late)).where(
        unclosed(), col(row.state).in_(sorted(SALES_OWNED))
    )
    if owner is not None:
        query = query.where(col(row.owner) == owner)
    rows = (await session.execute(query.group_by(col(row.state)))).all()
    found = {
        name: sum(number for state, number, _ in rows if state in states)
        for name, states in STATES.items()
    }
    return {**found, "late": sum(number for state, _, number in rows if state in RUNNING)}


async def owners(session: AsyncSession) -> list[str]:
    """Who has something in hand, for a choice."""
    row = HandoverRow
    query = select(row.owner).where(unclosed(), col(row.state).in_(sorted(SALES_OWNED)))
    return sorted((await session.execute(query.distinct())).scalars())
