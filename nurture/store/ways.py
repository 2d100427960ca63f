"""The ways of leads through the stages, counted: who came to a stage, and which ones it had been in before.

Each stage change carries its lead's way, such as `lead,visitor>mql`. There are few different ones, so how many
leads came to a mark in a period is a handful of look-ups in one index, however many leads there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, func, or_

from nurture.domain.funnel import Funnel
from nurture.store.loose import values
from nurture.store.tables import StageChangeRow


def way_to(stage: str, lead_id: str) -> Any:
    """What a change that is about to be written as the lead's newest carries, as an expression."""
    row = aliased(StageChangeRow)
    return _been(row, col(row.lead_id) == lead_id) + f">{stage}"


async def retell(session: AsyncSession, lead_id: str) -> None:
    """Write the ways of a lead anew, after histories were joined or a change was heard of late."""
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


@dataclass(frozen=True)
class Ways:
    """Those that came to each mark for the first time, and those that came to it having been there `again`."""

    first: Mapping[str, Sequence[str]]
    again: Mapping[str, Sequence[str]]


async def known(session: AsyncSession, funnel: Funnel) -> Ways:
    """The ways that leads have gone, by mark."""
    first: dict[str, list[str]] = {mark: [] for mark in funnel.marks}
    again: dict[str, list[str]] = {mark: [] for mark in funnel.marks}
    for way in await values(session, StageChangeRow.way):
        been, _, stage = way.partition(">")
        before = been.split(",") if been else []
        for mark in funnel.passed(before, stage):
            first[mark].append(way)
        for mark in funnel.repeated(before, stage):
            again[mark].append(way)
    return Ways(first, again)
