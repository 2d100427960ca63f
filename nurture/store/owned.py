"""What belongs to a lead, and the lead: both held against other writers until the transaction ends."""

from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Select, bindparam
from sqlalchemy import select as select_columns
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import EnrolmentRow, LeadRow

Owned = TypeVar("Owned", EnrolmentRow, HandoverRow)


async def hold(session: AsyncSession, kind: type[Owned], id_: str) -> tuple[Owned, LeadRow] | None:
    """The row and whose it is; None when there is no such row.

    The lead is locked first, here as by everybody who writes to both: in another order two of them would wait for each
    other. While we waited it may have been joined into another one. Then PostgreSQL finds that the two rows belong
    together no more and returns nothing, so it is asked again.
    """
    while True:
        found = (await session.execute(_with_lead(kind), {"id": id_})).one_or_none()
        if found:
            return found[0], found[1]
        if await session.scalar(select(col(kind.id)).where(col(kind.id) == id_)) is None:
            return None


@cache
def _with_lead(kind: Any) -> Select[Any, LeadRow]:
    """PostgreSQL locks rows in the order in which FROM names their tables."""
    both = select_columns(kind, LeadRow).select_from(LeadRow)
    both = both.join(kind, col(kind.lead_id) == col(LeadRow.id))
    return both.where(col(kind.id) == bindparam("id")).with_for_update()
