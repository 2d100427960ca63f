"""Touches only a trusted source may send: support cases, talks with sales, and orders, which make a customer."""

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import lifecycle, topics
from nurture.domain.enrolment import Trigger
from nurture.domain.lead import Touch
from nurture.playbook import Playbook
from nurture.store import leads
from nurture.store.handover_tables import SaleRow
from nurture.store.tables import LeadRow

TOUCHES = frozenset(
    {"support_case_opened", "support_case_closed", "sales_conversation", "order_completed"}
)


def follow(session: AsyncSession, playbook: Playbook, row: LeadRow, touch: Touch) -> list[Trigger]:
    """Note what the touch means for the business; what else could follow from it."""
    product = str(touch.properties.get("product", ""))
    match touch.name:
        case "support_case_opened":
            row.cases = sorted({*row.cases, product})
            return [Trigger(topics.CASES)]
        case "support_case_closed":
            row.cases = sorted({*row.cases} - {product})
            return [Trigger(topics.CASES)]
        case "sales_conversation":
            until = touch.at + playbook.handover.conversation_holds
            row.talks_until = max(until, row.talks_until or until)
            return [Trigger(topics.SALES)]
        case "order_completed":
            return _order(session, playbook, row, touch)
        case _:
            return []


def _order(session: AsyncSession, playbook: Playbook, row: LeadRow, touch: Touch) -> list[Trigger]:
    amount = touch.properties.get("amount")
    if not isinstance(amount, int | float) or amount < 0:
        return []
    currency = str(touch.properties.get("currency") or playbook.promise.currency)
    session.add(
        SaleRow(id=touch.id, lead_id=row.id, amount=round(amount), currency=currency, at=touch.at)
    )
    stage = playbook.handover.customer_stage
    if not playbook.lifecycle.lifts(row.stage, stage, lifecycle.IMPORT):
        return []
    leads.change_stage(session, row, stage, touch.at, by=lifecycle.IMPORT, reason="order")
    return [Trigger(topics.STAGE, stage)]
