"""Clicks of which it is not known yet whether they were a person's; see nurture.intake.clicks."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.store.tables import ClickRow


def wait(session: AsyncSession, touch_id: str, due: datetime) -> None:
    session.add(ClickRow(touch_id=touch_id, due=due))


async def due(session: AsyncSession, now: datetime, limit: int = 200) -> Sequence[str]:
    """Their touches, the first first."""
    query = select(ClickRow.touch_id).where(col(ClickRow.due) <= now).order_by(col(ClickRow.due))
    return (await session.execute(query.limit(limit))).scalars().all()


async def counted(session: AsyncSession, touch_id: str) -> None:
    await session.execute(delete(ClickRow).where(col(ClickRow.touch_id) == touch_id))


async def next_due(session: AsyncSession) -> datetime | None:
    value = (await session.execute(select(func.min(ClickRow.due)))).scalar_one()
    return value if isinstance(value, datetime) else None
