"""Where the leads of a flow are, and what became of its mails: counted, never listed."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func

from nurture.store.tables import EnrolmentRow, MessageRow


@dataclass(frozen=True)
class Runs:
    """So many runs are, or ended, at that step; `ended` says why, None: they are under way."""

    flow: str
    step: str | None
    ended: str | None
    number: int


@dataclass(frozen=True)
class Mails:
    """So many mails of that step are in that state. `opened` and `clicked`: by people, machines left out."""

    step: str
    state: str
    number: int
    opened: int
    clicked: int


async def runs(session: AsyncSession, flow: str) -> Sequence[Runs]:
    row = EnrolmentRow
    query = (
        select(col(row.flow), col(row.step), col(row.ended), func.count())
        .where(col(row.flow) == flow)
        .group_by(col(row.flow), col(row.step), col(row.ended))
    )
    return [Runs(*each) for each in await session.execute(query)]


async def overview(session: AsyncSession) -> dict[str, tuple[int, int]]:
    """By flow: how many are in it, and how many ever were."""
    row = EnrolmentRow
    under_way = func.count() - func.count(col(row.ended))
    query = select(col(row.flow), under_way, func.count()).group_by(col(row.flow))
    return {flow: (int(now), int(ever)) for flow, now, ever in await session.execute(query)}


async def mails(session: AsyncSession, flow: str) -> Sequence[Mails]:
    row = MessageRow
    query = (
        select(
            col(row.step),
            col(row.state),
            func.count(),
            func.count(col(row.opened_at)),
            func.count(col(row.clicked_at)),
        )
        .where(col(row.flow) == flow)
        .group_by(col(row.step), col(row.state))
    )
    return [Mails(*each) for each in await session.execute(query)]
