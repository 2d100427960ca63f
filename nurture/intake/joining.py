"""What sales hears when two leads that it had in hand turn out to be one person."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.handovers.running import Handovers
from nurture.intake.identity import Register
from nurture.versions.shelf import Shelf


async def tell_sales(
    session: AsyncSession,
    shelf: Shelf,
    handovers: Handovers,
    register: Register,
    now: datetime,
) -> None:
    """Which of its handovers are over as leads were joined, and why."""
    for row in register.over:
        playbook = await shelf.version(session, row.playbook)
        lead, why = register.now(row.lead_id), row.outcome or ""
        await handovers.tell(session, playbook, row, lead, "recycled", now, news=why)
