"""The ledger of what was sold: of an order and a `won` of sales that are one sale there is one entry."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain import keys, orders
from nurture.domain.orders import Sale
from nurture.store.handover_tables import HandoverRow, SaleRow


def said_id(handover_id: str) -> str:
    """The entry of a `won` that no order told of."""
    return keys.notice_id(handover_id, "sale")


async def book(
    session: AsyncSession, sale: SaleRow, within: timedelta, since: datetime | None = None
) -> SaleRow:
    """Enter what an order tells, or sales says that had the lead `since` then. The entry may be one that there was:
    see `orders.twin`."""
    alike = (
        col(SaleRow.currency) == sale.currency,
        col(SaleRow.at).between(sale.at - within, sale.at + within),
    )
    rows, told = await _entries(session, sale.lead_id, *alike)
    news = _told(sale, since, said=not _is_order(sale))
    twin = orders.twin(news, told.values(), within)
    if twin is None:
        session.add(sale)
        return sale
    return await _join(session, sale, rows[twin.id])


async def join(session: AsyncSession, lead_id: str, within: timedelta) -> None:
    """Of two leads that are one, an order of the one may be what sales won the other by."""
    rows, told = await _entries(session, lead_id)
    for won in [sale for sale in told.values() if not sale.ordered]:
        if twin := orders.twin(won, told.values(), within):
            await _join(session, rows[won.id], rows[twin.id])
            told[twin.id] = replace(twin, said=True)
            del told[won.id]


async def _join(session: AsyncSession, one: SaleRow, other: SaleRow) -> SaleRow:
    """The order's entry stays, as the handover's and at the earlier time: the same whichever was told first."""
    order, won = (one, other) if _is_order(one) else (other, one)
    order.handover_id, order.at = won.handover_id, min(order.at, won.at)
    session.add(order)
    if won in session:
        await session.delete(won)
    return order


async def _entries(
    session: AsyncSession, lead_id: str, *where: Any
) -> tuple[dict[str, SaleRow], dict[str, Sale]]:
    """Sales said `won` where the handover has an amount: an order that wins what sales has in hand leaves none."""
    query = (
        select(SaleRow, col(HandoverRow.opened_at), col(HandoverRow.amount))
        .outerjoin(HandoverRow, col(HandoverRow.id) == col(SaleRow.handover_id))
        .where(col(SaleRow.lead_id) == lead_id, *where)
        .order_by(col(SaleRow.at), col(SaleRow.id))
    )
    found = (await session.execute(query)).all()
    told = {row.id: _told(row, at, said=amount is not None) for row, at, amount in found}
    return {row.id: row for row, *_ in found}, told


def _told(row: SaleRow, since: datetime | None, *, said: bool) -> Sale:
    return Sale(row.id, row.amount, row.currency, row.at, _is_order(row), said, since)


def _is_order(row: SaleRow) -> bool:
    return row.handover_id is None or row.id != said_id(row.handover_id)
