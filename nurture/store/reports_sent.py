"""What is left to send of a report, each time it is due."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from nurture.store.tables import ReportSentRow

CLAIMED = "claimed"
OPEN = ("waiting", CLAIMED)
"""States in which something is to be done."""


async def give_up(session: AsyncSession, run: str, but: Collection[str], now: datetime) -> None:
    """Whom the playbook does not name any more, all `but` these, gets nothing of that run; what was on its way may have
    gone out."""
    row = ReportSentRow
    left = update(row).where(col(row.run) == run, col(row.id).not_in(but))
    why = "the playbook does not name this receiver any more"
    for state, becomes in ((CLAIMED, "unknown"), ("waiting", "failed")):
        values = {"state": becomes, "error": why, "changed_at": now, "next_try_at": None}
        await session.execute(left.where(col(row.state) == state).values(values))
