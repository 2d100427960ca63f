"""Leads as a playbook would have them, without anything being done to them: persona, score and stage in the order of
nurture.reactions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import scoring
from nurture.domain.lead import Facts
from nurture.domain.lifecycle import Move
from nurture.domain.persona import persona_of
from nurture.domain.scoring import Entry
from nurture.playbook import Playbook
from nurture.store import leads, points
from nurture.store.tables import LeadRow


@dataclass(frozen=True)
class Settled:
    """What is known of the lead then, and how its rules moved it there."""

    facts: Facts
    moves: Sequence[Move]


async def settled(
    session: AsyncSession,
    playbook: Playbook,
    rows: Sequence[LeadRow],
    facts: Mapping[str, Facts],
    now: datetime,
) -> dict[str, Settled]:
    """By id, what settling these leads by `playbook` makes of their `facts`."""
    counted = {row.id: row for row in rows}
    earned = await points.living(session, playbook.scoring, playbook.scored_by, counted, now)
    return {row.id: _settled(playbook, row, facts[row.id], earned[row.id], now) for row in rows}


async def current(
    session: AsyncSession,
    playbook: Playbook,
    rows: Sequence[LeadRow],
    facts: Mapping[str, Facts],
    now: datetime,
) -> dict[str, Facts]:
    """The same `facts`, where a lead was settled by another playbook as this one will have it: what hangs on a score
    must not be judged by that of other rules."""
    stale = [row for row in rows if row.scored_by != playbook.scored_by]
    if not stale:
        return dict(facts)
    found = await settled(session, playbook, stale, facts, now)
    return {**facts, **{id_: lead.facts for id_, lead in found.items()}}


async def facts_of(session: AsyncSession, playbook: Playbook, row: LeadRow, now: datetime) -> Facts:
    """What is known of one lead, by `playbook`."""
    facts = await leads.facts_of(session, [row], now)
    return (await current(session, playbook, [row], facts, now))[row.id]


def _settled(
    playbook: Playbook, row: LeadRow, facts: Facts, earned: Sequence[Entry], now: datetime
) -> Settled:
    persona = persona_of(playbook.personas, facts, now)
    facts = replace(facts, lead=replace(facts.lead, persona=persona))
    facts = replace(facts, score=scoring.score(playbook.scoring, facts, earned, now))
    moves = tuple(playbook.lifecycle.moves(facts, row.cooled_until, now))
    stage = moves[-1].stage if moves else facts.lead.stage
    return Settled(replace(facts, lead=replace(facts.lead, stage=stage)), moves)
