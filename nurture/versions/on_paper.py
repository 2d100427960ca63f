"""Leads as a playbook would have them, without anything being done to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import settled as rules
from nurture.domain.lead import Facts
from nurture.domain.settled import Settled
from nurture.playbook import Playbook
from nurture.store import leads, points
from nurture.store.tables import LeadRow


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
    return {
        row.id: rules.settled(playbook, facts[row.id], earned[row.id], row.cooled_until, now)
        for row in rows
    }


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
