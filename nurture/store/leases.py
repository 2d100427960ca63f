"""Taking rows that are due, so that no other process takes them too."""

from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

Row = TypeVar("Row", bound=SQLModel)


async def take(
    session: AsyncSession,
    table: type[Row],
    due: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    *among: ColumnElement[bool],
) -> list[Row]:
    """The longest due first. `due` names the column with the time, which moves on by the `lease`: so a row that
    its taker, having died, never finished falls due again."""
    column = col(getattr(table, due))
    query = select(table).where(column <= now, *among).order_by(column).limit(limit)
    rows = (await session.execute(query.with_for_update(skip_locked=True))).scalars()
    taken = list(rows)
    for row in taken:
        setattr(row, due, now + lease)
    return taken
