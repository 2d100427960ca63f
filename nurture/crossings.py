"""What an edit makes of the stages that leads are in, counted before it happens."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain import scoring
from nurture.domain.lead import Facts
from nurture.domain.persona import persona_of
from nurture.domain.scoring import Entry
from nurture.playbook import Playbook
from nurture.store import leads, points
from nurture.store.tables import LeadRow

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
        facts = await leads.facts_of(session, list(page.values()), now)
        was = await _moved(session, before, page, facts, now)
        becomes = await _moved(session, after, page, facts, now)
        for lead_id in page:
            counts.update(becomes[lead_id] - was[lead_id])
    return [
        Crossing(id_, counts["up", id_], counts["down", id_], counts["handed over", id_])
        for id_ in (stage.id for stage in after.lifecycle.stages if stage.ruled)
    ]


async def _everybody(session: AsyncSession) -> AsyncIterator[dict[str, LeadRow]]:
    """All leads that are somebody, by id, a page at a time."""
    after = ""
    while True:
        query = select(LeadRow).where(
            col(LeadRow.id) > after,
            col(LeadRow.erased_at).is_(None),
            col(LeadRow.merged_into).is_(None),
        )
        rows = (await session.execute(query.order_by(col(LeadRow.id)).limit(_PAGE))).scalars()
        page = {row.id: row for row in rows}
        if not page:
            return
        yield page
        after = max(page)


async def _moved(
    session: AsyncSession,
    playbook: Playbook,
    page: Mapping[str, LeadRow],
    facts: Mapping[str, Facts],
    now: datetime,
) -> dict[str, set[tuple[str, str]]]:
    """By lead what nurture.reactions would do to its stage: which way, and into or from which."""
    earned = await points.living(session, playbook.scoring, playbook.scored_by, page, now)
    return {
        id_: set(_ways(playbook, row, facts[id_], earned[id_], now)) for id_, row in page.items()
    }


def _ways(
    playbook: Playbook, row: LeadRow, facts: Facts, earned: Sequence[Entry], now: datetime
) -> Iterator[tuple[str, str]]:
    persona = persona_of(playbook.personas, facts, now)
    facts = replace(facts, lead=replace(facts.lead, persona=persona))
    facts = replace(facts, score=scoring.score(playbook.scoring, facts, earned, now))
    for move in playbook.lifecycle.moves(facts, row.cooled_until, now):
        yield ("down", move.before) if move.back else ("up", move.stage)
        if playbook.hands_over(move) and not row.sales_owned:
            yield "handed over", move.stage
