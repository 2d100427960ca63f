"""What sales is told of a handover, gathered from the database. The words: nurture.domain.task."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain.task import MAILS, MailSent, Task, task_data
from nurture.playbook import Playbook
from nurture.store import leads, points
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import LeadRow, MessageRow


async def notice_data(
    session: AsyncSession,
    playbook: Playbook,
    row: HandoverRow,
    lead: LeadRow,
    answer_url: str,
    now: datetime,
    told: str | None = None,
    news: str = "",
) -> dict[str, Any]:
    """The task as it stands at `now`; `told` is whom an escalation goes to, `news` what came on top."""
    facts = await leads.facts(session, lead, now)
    score, reasons = await points.explained(session, playbook.scoring, facts, now)
    return task_data(
        Task(
            id=row.id,
            kind=row.kind,
            reason=row.reason,
            team=row.team,
            owner=row.owner,
            opened_at=row.opened_at,
            due_at=row.due_at,
            answer_url=answer_url,
            lead=facts.lead,
            score=score,
            persona=playbook.persona_titles.get(leads.persona(lead)),
            reasons=reasons,
            touches=facts.touches,
            mails=await mails_of(session, lead.id),
            zone=playbook.handover.terms.calendar.zone,
            told=told,
            news=news,
            ask=playbook.asked(row.trigger, row.step) or "call",
        )
    )


async def mails_of(session: AsyncSession, lead_id: str) -> list[MailSent]:
    """The latest that marketing sent."""
    query = (
        select(MessageRow)
        .where(col(MessageRow.lead_id) == lead_id, col(MessageRow.sent_at).is_not(None))
        .order_by(col(MessageRow.sent_at).desc())
        .limit(MAILS)
    )
    rows = (await session.execute(query)).scalars()
    return [MailSent(row.id, row.template, row.sent_at) for row in rows if row.sent_at]
