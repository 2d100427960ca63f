"""What a task tells sales, gathered from the database."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.playbook import Playbook
from nurture.store.tables import HandoverRow, LeadRow


async def notice_data(
    session: AsyncSession,
    playbook: Playbook,
    row: HandoverRow,
    lead: LeadRow,
    url: str,
    now: datetime,
    to: str | None = None,
) -> dict[str, Any]:
    return {"handover": row.id, "lead": lead.id, "url": url, "to": to or row.owner}
