"""The different values of a column that has few, found by jumping through its index from one to the next."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func


async def values(session: AsyncSession, column: Any) -> list[str]:
    """In order. The column has to be the first of an index."""
    each = select(func.min(col(column)).label("value")).cte("each_value", recursive=True)
    following = select(func.min(col(column))).where(col(column) > each.c.value)
    onward = select(following.scalar_subquery()).where(each.c.value.is_not(None))
    each = each.union_all(onward)
    found = await session.execute(select(each.c.value).where(each.c.value.is_not(None)))
    return list(found.scalars())
