"""What an edit makes of the stages that leads are in, counted before it happens."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain.lead import Facts
from nurture.domain.lifecycle import Move
from nurture.playbook import Playbook
from nurture.store import leads
from nurture.store.tables import LeadRow
from nurture.versions import on_paper

_PAGE = 200


@dataclass(frozen=True)
class Crossing:
    """How many leads an edit lifts into a stage, how many fall back from it, and how many are handed over for it."""

    stage: str
    up: int
    down: int
    handed_over: int = 0


async def crossings(
    session: AsyncSession, before: Playbook, after: Playbook, now: datetime
) -> list[Crossing]:
    """Per stage that rules lift into or take back from, in order, what becomes of the leads when all are settled by
    `after` and not by `before`. Changes nothing."""
    counts: Counter[tuple[str, str]] = Counter()
    async for page in _everybody(session):
        facts = await leads.facts_of(session, page, now)
        was = await _moved(session, before, page, facts, now)
        becomes = await _moved(session, after, page, facts, now)
        for row in page:
            counts.update(becomes[row.id] - was[row.id])
    return [
        Crossing(id_, counts["up", id_], counts["down", id_], counts["handed over", id_])
        for id_ in (stage.id for stage in after.lifecycle.stages if stage.ruled)
    ]


async def _everybody(session: AsyncSession) -> AsyncIterator[list[LeadRow]]:
    """All leads that are somebody, a page at a time."""
    after = ""
    while True:
        query = select(LeadRow).where(
            col(LeadRow.id) > after,
            col(LeadRow.erased_at).is_(None),
            col(LeadRow.merged_into).is_(None),
        )
        rows = (await session.execute(query.order_by(col(LeadRow.id)).limit(_PAGE))).scalars()
        page = list(rows)
        if not page:
            return
        yield page
        after = page[-1].id


async def _moved(
    session: AsyncSession,
    playbook: Playbook,
    page: Sequence[LeadRow],
    facts: Mapping[str, Facts],
    now: datetime,
) -> dict[str, set[tuple[str, str]]]:
    """By lead what settling it would do to its stage: which way, and into or from which."""
    settled = await on_paper.settled(session, playbook, page, facts, now)
    return {row.id: set(_ways(playbook, row, settled[row.id].moves)) for row in page}


def _ways(playbook: Playbook, row: LeadRow, moves: Iterable[Move]) -> Iterator[tuple[str, str]]:
    for move in moves:
        yield ("down", move.before) if move.back else ("up", move.stage)
        if playbook.hands_over(move) and not row.sales_owned:
            yield "handed over", move.stage
