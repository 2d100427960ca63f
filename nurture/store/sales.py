"""The ledger of what was sold: of an order and a `won` of sales that are one sale there is one entry."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain import keys, orders
from nurture.domain.orders import Sale
from nurture.store.handover_tables import SaleRow


def said_id(handover_id: str) -> str:
    """The entry of a `won` that no order told of."""
    return keys.notice_id(handover_id, "sale")


async def book(session: AsyncSession, sale: SaleRow, within: timedelta) -> SaleRow:
    """Enter what an order tells, or sales says. The entry may be one that there was: see `orders.twin`."""
    alike = (
        col(SaleRow.currency) == sale.currency,
        col(SaleRow.at).between(sale.at - within, sale.at + within),
    )
    entries = await _entries(session, sale.lead_id, *alike)
    twin = orders.twin(_told(sale), map(_told, entries), within)
    if twin is None:
        session.add(sale)
        return sale
    [entry] = (row for row in entries if row.id == twin.id)
    return await _join(session, sale, entry)


async def join(session: AsyncSession, lead_id: str, within: timedelta) -> None:
    """Of two leads that are one, an order of the one may be what sales won the other by."""
    entries = {row.id: row for row in await _entries(session, lead_id)}
    for won in [row for row in entries.values() if not _told(row).ordered]:
        if twin := orders.twin(_told(won), map(_told, entries.values()), within):
            await _join(session, won, entries[twin.id])
            del entries[won.id]


async def _join(session: AsyncSession, one: SaleRow, other: SaleRow) -> SaleRow:
    """The order's entry stays, as the handover's and at the earlier time: the same whichever was told first."""
    order, won = (one, other) if _told(one).ordered else (other, one)
    order.handover_id, order.at = won.handover_id, min(order.at, won.at)
    session.add(order)
    if won in session:
        await session.delete(won)
    return order


async def _entries(session: AsyncSession, lead_id: str, *where: Any) -> Sequence[SaleRow]:
    query = select(SaleRow).where(col(SaleRow.lead_id) == lead_id, *where)
    return (await session.execute(query.order_by(col(SaleRow.at), col(SaleRow.id)))).scalars().all()


def _told(row: SaleRow) -> Sale:
    said = row.handover_id is not None
    ordered = row.handover_id is None or row.id != said_id(row.handover_id)
    return Sale(row.id, row.amount, row.currency, row.at, ordered, said)
