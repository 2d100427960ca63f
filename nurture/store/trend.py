"""How many leads came to each mark of the funnel in each of several stretches of time."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import case, col, func, select

from nurture.domain.funnel import Funnel
from nurture.store.tables import StageChangeRow


async def reached(
    session: AsyncSession, funnel: Funnel, edges: Sequence[datetime]
) -> dict[str, list[int]]:
    """By mark, a number for each stretch between two edges. Who came twice counts twice."""
    row = StageChangeRow
    stretch = case(
        *((col(row.at) < edge, number) for number, edge in enumerate(edges[1:])),
        else_=len(edges) - 2,
    )
    query = (
        select(stretch, col(row.from_stage), col(row.to_stage), func.count())
        .where(col(row.at) >= edges[0], col(row.at) < edges[-1])
        .group_by(stretch, col(row.from_stage), col(row.to_stage))
    )
    found = {name: [0] * (len(edges) - 1) for name in funnel.marks}
    for number, old, new, leads in (await session.execute(query)).all():
        before, after = funnel.ranks.get(old or "", -1), funnel.ranks.get(new, 0)
        for name, mark in funnel.marks.items():
            if before < mark <= after:
                found[name][number] += leads
    return found
