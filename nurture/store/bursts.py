"""Clicks on several links of one mail within a moment: a scanner's walk, however human each looked alone."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain.machines import SEVERAL_LINKS, TOO_EARLY
from nurture.store import messages
from nurture.store.tables import LeadRow, MessageRow, TouchRow


async def unmask(
    session: AsyncSession, lead: LeadRow, mail: MessageRow, url: str, since: datetime
) -> str | None:
    """The reason why a click on `url` is a machine's; its earlier ones lose their points, and opened no mail. None: a
    person's."""
    query = select(TouchRow).where(
        col(TouchRow.lead_id) == lead.id,
        col(TouchRow.name) == "clicked",
        col(TouchRow.at) > since,
    )
    rows = [
        row
        for row in (await session.execute(query)).scalars()
        if row.properties.get("message") == mail.id and row.properties.get("url") != url
    ]
    for row in rows:
        row.machine = SEVERAL_LINKS if row.machine in (None, TOO_EARLY) else row.machine
    if rows:
        lead.tally = None
        messages.unheard(mail, since)
    return SEVERAL_LINKS if rows else None
