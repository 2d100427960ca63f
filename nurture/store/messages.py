"""The send ledger: a mail is claimed here before it goes to the provider."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import keys
from nurture.domain.flow import RefuseMail, SendMail
from nurture.playbook import Playbook
from nurture.store.tables import EnrolmentRow, LeadRow, MessageRow

PLANNED, CLAIMED, ACCEPTED, DELIVERED = "planned", "claimed", "accepted", "delivered"
BOUNCED, FAILED, REFUSED, UNKNOWN = "bounced", "failed", "refused", "unknown"

_SENT = frozenset({ACCEPTED, UNKNOWN})


async def of_step(session: AsyncSession, enrolment_id: str, step: str) -> MessageRow | None:
    return await session.get(MessageRow, keys.message_id(enrolment_id, step))


def claim(
    session: AsyncSession,
    playbook: Playbook,
    run: EnrolmentRow,
    effect: SendMail,
    now: datetime,
    planned: MessageRow | None,
) -> None:
    """From here until `record` the mail is on its way; nobody else sends it."""
    row = planned or _enter(session, playbook, run, effect.step, effect.template, now)
    row.state, row.claimed_at = CLAIMED, now
    row.attempts += 1


async def refuse(
    session: AsyncSession, playbook: Playbook, run: EnrolmentRow, effect: RefuseMail, now: datetime
) -> None:
    planned = await of_step(session, run.id, effect.step)
    row = planned or _enter(session, playbook, run, effect.step, effect.template, now)
    row.state, row.reason = REFUSED, effect.reason


async def record(
    session: AsyncSession,
    message_id: str,
    state: str,
    reason: str,
    provider_id: str | None,
    now: datetime,
) -> None:
    """What became of a claimed mail. A mailbox that refused us for good gets no more mail."""
    row = await session.get(MessageRow, message_id, with_for_update=True)
    if row is None or row.state != CLAIMED:
        return
    row.state, row.reason, row.provider_id = state, reason, provider_id
    row.sent_at = now if state in _SENT else None
    if state == BOUNCED:
        lead = await session.get(LeadRow, row.lead_id, with_for_update=True)
        if lead:
            lead.suppressed = lead.suppressed or "hard_bounce"


async def give_up(session: AsyncSession, enrolment_id: str, step: str, now: datetime) -> None:
    """The step is gone: a mail that was on its way may have gone out, and nobody will ever know."""
    row = await of_step(session, enrolment_id, step)
    if row and row.state == CLAIMED:
        row.state, row.reason, row.sent_at = UNKNOWN, "its step was deleted while sending", now


async def suspect(
    session: AsyncSession,
    playbook: Playbook,
    run: EnrolmentRow,
    step: str,
    template: str,
    reason: str,
    now: datetime,
) -> None:
    """It may have gone out although nothing here says so; what is known of it stays as it is."""
    known = await of_step(session, run.id, step)
    row = known or _enter(session, playbook, run, step, template, now)
    if row.state in (PLANNED, CLAIMED):
        row.state, row.reason, row.sent_at = UNKNOWN, reason, now


def _enter(
    session: AsyncSession,
    playbook: Playbook,
    run: EnrolmentRow,
    step: str,
    template: str,
    now: datetime,
) -> MessageRow:
    row = MessageRow(
        id=keys.message_id(run.id, step),
        enrolment_id=run.id,
        step=step,
        lead_id=run.lead_id,
        flow=run.flow,
        template=template,
        sender=playbook.sender_of[run.flow],
        state=PLANNED,
        claimed_at=now,
    )
    session.add(row)
    return row
