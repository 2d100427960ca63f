"""The ways of leads through the stages, counted: who came to a stage, and which ones it had been in before.

Each stage change carries its lead's way, such as `lead,visitor>mql`. There are few different ones, so how many
leads came to a mark in a period is a handful of look-ups in one index, however many leads there are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import literal, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, func, or_

from nurture.domain.funnel import Funnel
from nurture.domain.periods import Period
from nurture.store.columns import within
from nurture.store.loose import values
from nurture.store.tables import StageChangeRow

_MANY = 200


def way_to(stage: str, lead_id: str) -> Any:
    """What a change that is about to be written carries, as an expression."""
    row = aliased(StageChangeRow)
    return _been(row, col(row.lead_id) == lead_id) + f">{stage}"


async def retell(session: AsyncSession, lead_id: str) -> None:
    """Write the ways of a lead anew, after histories were joined."""
    row, earlier = StageChangeRow, aliased(StageChangeRow)
    before = or_(
        col(earlier.at) < col(row.at),
        (col(earlier.at) == col(row.at)) & (col(earlier.id) < col(row.id)),
    )
    been = _been(earlier, col(earlier.lead_id) == col(row.lead_id), before)
    change = update(row).where(col(row.lead_id) == lead_id)
    await session.execute(
        change.values(way=been + ">" + col(row.to_stage)),
        execution_options={"synchronize_session": False},
    )


def _been(row: Any, *which: Any) -> Any:
    """The stages that those changes led to, in a fixed order."""
    stages: Any = select(col(row.to_stage).label("stage")).where(*which).distinct()
    known = stages.order_by(col(row.to_stage)).correlate(StageChangeRow).subquery()
    listed = select(func.aggregate_strings(known.c.stage, ",")).correlate(StageChangeRow)
    return func.coalesce(listed.scalar_subquery(), "")


async def marks_of(session: AsyncSession, funnel: Funnel) -> Mapping[str, Sequence[str]]:
    """The marks that each way came to for the first time; ways that came to none are left out."""
    found = {}
    for way in await values(session, StageChangeRow.way):
        been, _, stage = way.partition(">")
        if marks := funnel.passed(been.split(",") if been else (), stage):
            found[way] = marks
    return found


async def counts(
    session: AsyncSession, funnel: Funnel, periods: Sequence[Period | None]
) -> list[dict[str, int]]:
    """How many leads came to each mark for the first time, in each of the periods (None: ever)."""
    marks = await marks_of(session, funnel)
    found = [dict.fromkeys(funnel.marks, 0) for _ in periods]
    looks = [
        select(literal(number).label("number"), literal(way).label("way"), func.count())
        .select_from(StageChangeRow)
        .where(col(StageChangeRow.way) == way, *within(StageChangeRow.at, period))
        for number, period in enumerate(periods)
        for way in marks
    ]
    for begin in range(0, len(looks), _MANY):
        rows = await session.execute(union_all(*looks[begin : begin + _MANY]))
        for number, way, leads in rows:
            for mark in marks[way]:
                found[number][mark] += leads
    return found
