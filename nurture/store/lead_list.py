"""Leads as a list, a page at a time by key: each page costs the same however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from nurture.store import paging
from nurture.store.handover_tables import HandoverRow
from nurture.store.handovers import unclosed
from nurture.store.paging import Key
from nurture.store.tables import LeadRow


@dataclass(frozen=True)
class Filter:
    """What is empty does not matter. `among`: ids of those looked for, found before, since a database that orders
    first would go through everybody."""

    among: Sequence[str] | None = None
    stage: str = ""
    persona: str = ""
    owner: str | None = None


async def page(
    session: AsyncSession, wanted: Filter, after: Key | None, limit: int
) -> Sequence[LeadRow]:
    """The newest first."""
    row = LeadRow
    # An expression: what leaves out almost nobody must not choose the index, or all would be sorted.
    known = func.coalesce(col(row.merged_into), "") == ""
    query = select(LeadRow).where(known, col(row.erased_at).is_(None))
    if wanted.stage:
        query = query.where(col(row.stage) == wanted.stage)
    if wanted.persona:
        query = query.where(col(row.persona) == wanted.persona)
    if wanted.among is not None:
        query = query.where(col(row.id).in_(wanted.among))
    if wanted.owner is not None:
        query = query.where(col(row.id).in_(owned(wanted.owner)))
    order = (col(row.created_at), col(row.id))
    return [found for (found,) in await paging.rows(session, query, after, order, limit)]


def owned(owner: str) -> Select[Any]:
    """Leads of which that owner has the handover or a task in hand; of those nobody has, who had the latest."""
    row, other = HandoverRow, aliased(HandoverRow)
    goes_before = select(other.id).where(
        col(other.lead_id) == col(row.lead_id),
        or_(unclosed(other), col(other.ordinal) > col(row.ordinal)),
    )
    has = or_(unclosed(row), ~goes_before.exists())
    return select(col(row.lead_id)).where(col(row.owner) == owner, has)
