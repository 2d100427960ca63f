"""Touches only a trusted source may send: support cases, talks with sales, and orders, which make a customer."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import cases, lifecycle, orders, topics
from nurture.domain.enrolment import Trigger
from nurture.domain.lead import Touch
from nurture.handovers.running import Handovers
from nurture.playbook import Playbook
from nurture.store import leads, sales
from nurture.store.handover_tables import SaleRow
from nurture.store.tables import LeadRow

TOUCHES = frozenset({cases.OPENED, cases.CLOSED, "sales_conversation", orders.COMPLETED})


async def follow(
    session: AsyncSession,
    playbook: Playbook,
    handovers: Handovers,
    row: LeadRow,
    touch: Touch,
    now: datetime,
) -> list[Trigger]:
    """Note what the touch means for the business; what else could follow from it."""
    match touch.name:
        case cases.OPENED | cases.CLOSED:
            product, case = (str(touch.properties.get(name) or "") for name in ("product", "case"))
            closed = touch.name == cases.CLOSED
            row.cases_told = dict(cases.tell(row.cases_told, product, case, touch.at, closed))
            row.cases = cases.open_products(row.cases_told, row.cases)
            return [Trigger(topics.CASES)]
        case "sales_conversation":
            until = touch.at + playbook.handover.conversation_holds
            row.talks_until = max(until, row.talks_until or until)
            return [Trigger(topics.SALES)]
        case orders.COMPLETED:
            return await _order(session, playbook, handovers, row, touch, now)
        case _:
            return []


async def _order(
    session: AsyncSession,
    playbook: Playbook,
    handovers: Handovers,
    row: LeadRow,
    touch: Touch,
    now: datetime,
) -> list[Trigger]:
    usual = playbook.promise.currency
    if not orders.is_sale(touch.properties, usual):
        return []
    amount, currency = orders.amount(touch.properties), orders.currency(touch.properties) or usual
    sale = SaleRow(
        id=touch.id, lead_id=row.id, amount=round(amount), currency=currency, at=touch.at
    )
    entry = await sales.book(session, sale, playbook.same_sale)
    known = entry.handover_id is not None  # sales said so before
    won = not known and await handovers.ordered(session, playbook, row, sale, now)
    triggers = [Trigger(topics.SALES)] if won else []
    stage = playbook.handover.customer_stage
    if not playbook.lifecycle.lifts(row.stage, stage, lifecycle.IMPORT):
        return triggers
    by = lifecycle.IMPORT
    await leads.change_stage_late(session, row, stage, touch.at, by, reason="order")
    return [*triggers, Trigger(topics.STAGE, stage)]
