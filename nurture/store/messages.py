"""The send ledger: a mail is claimed here before it goes to the provider."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import keys
from nurture.store.tables import EnrolmentRow, MessageRow


async def of_step(session: AsyncSession, enrolment_id: str, step: str) -> MessageRow | None:
    return await session.get(MessageRow, keys.message_id(enrolment_id, step))


def enter(
    session: AsyncSession,
    enrolment: EnrolmentRow,
    step: str,
    template: str,
    sender: str,
    state: str,
    now: datetime,
    reason: str = "",
) -> MessageRow:
    row = MessageRow(
        id=keys.message_id(enrolment.id, step),
        enrolment_id=enrolment.id,
        step=step,
        lead_id=enrolment.lead_id,
        flow=enrolment.flow,
        template=template,
        sender=sender,
        state=state,
        reason=reason,
        claimed_at=now,
    )
    session.add(row)
    return row
