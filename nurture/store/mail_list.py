"""The send ledger as a list, a page at a time by key."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.store import paging
from nurture.store.lead_list import owned
from nurture.store.paging import Key
from nurture.store.tables import EnrolmentRow, LeadRow, MessageRow


@dataclass(frozen=True)
class Filter:
    """What is empty does not matter."""

    state: str = ""
    flow: str = ""
    step: str = ""
    owner: str | None = None


async def page(
    session: AsyncSession, wanted: Filter, after: Key | None, limit: int
) -> Sequence[tuple[MessageRow, LeadRow]]:
    """The latest first."""
    row = MessageRow
    query = select(MessageRow, LeadRow).join(LeadRow, col(LeadRow.id) == col(row.lead_id))
    if wanted.state:
        query = query.where(col(row.state) == wanted.state)
    if wanted.flow:
        query = query.where(col(row.flow) == wanted.flow)
    if (
        wanted.step
    ):  # an expression: by the flow's own index the latest come first, and nothing is sorted
        query = query.where(func.coalesce(col(row.step), "") == wanted.step)
    if wanted.owner is not None:
        query = query.where(col(row.lead_id).in_(owned(wanted.owner)))
    order = (col(row.claimed_at), col(row.id))
    found = await paging.rows(session, query, after, order, limit)
    return [(each[0], each[1]) for each in found]


async def one(
    session: AsyncSession, message_id: str
) -> tuple[MessageRow, LeadRow, EnrolmentRow] | None:
    row = MessageRow
    query = (
        select(MessageRow, LeadRow, EnrolmentRow)
        .join(LeadRow, col(LeadRow.id) == col(row.lead_id))
        .join(EnrolmentRow, col(EnrolmentRow.id) == col(row.enrolment_id))
        .where(col(row.id) == message_id)
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else (found[0], found[1], found[2])
