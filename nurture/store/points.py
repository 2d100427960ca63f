"""Points that leads earned.

No point is kept by itself: what a touch earns is for the rules in force to say, so points are counted from the touches
that are there. Only what they come to is kept, with the lead, so that a long history costs no more than a short one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import scoring
from nurture.domain.lead import Facts, Score, Touch
from nurture.domain.scoring import Entry, Reason, Scoring
from nurture.store.among import Among
from nurture.store.columns import table
from nurture.store.tables import TouchRow

Tally = Mapping[str, tuple[int, str | None]]
"""As a lead's row keeps it, of each rule whose points do not fade: the sum of what is alive, and when the first of it
is gone. It holds until then, or until the rules change."""


class Counted(Protocol):
    scored_by: str | None
    tally: Tally | None


async def reasons(
    session: AsyncSession, rules: Scoring, facts: Facts, now: datetime
) -> list[Reason]:
    """Every point of one lead's score, explained."""
    return (await explained(session, rules, facts, now))[1]


async def explained(
    session: AsyncSession, rules: Scoring, facts: Facts, now: datetime
) -> tuple[Score, list[Reason]]:
    """One lead's score and every point of it, both at `now` by these rules: what is kept with the lead is of its last
    look, which may have been by others."""
    earned = (await _counted(session, rules, [facts.lead.id], now))[facts.lead.id]
    return scoring.score(rules, facts, earned, now), scoring.explain(rules, facts, earned, now)


async def living(
    session: AsyncSession,
    rules: Scoring,
    version: str,
    leads: Mapping[str, Counted],
    now: datetime,
) -> defaultdict[str, list[Entry]]:
    """By lead what counts at `now` under the rules of that version of the playbook: from the tallies that still hold
    one entry for each rule, of whatever else each."""
    known = {id_: lead.tally for id_, lead in leads.items() if lead.scored_by == version}
    told = {id_: _entries(tally, now) for id_, tally in known.items()}
    holds = {id_: entries for id_, entries in told.items() if entries is not None}
    found = await _counted(session, rules, [id_ for id_ in leads if id_ not in holds], now)
    fading = await _counted(session, rules.fading, list(holds), now)
    for lead_id, entries in holds.items():
        found[lead_id] = [*entries, *fading[lead_id]]
    return found


def tally(rules: Scoring, earned: Iterable[Entry], now: datetime) -> Tally:
    """To be kept with the lead."""
    return {
        entry.rule: (entry.points, entry.expires_at.isoformat() if entry.expires_at else None)
        for entry in scoring.tally(rules, earned, now)
    }


def add(rules: Scoring, lead: Counted, earned: Sequence[Entry], now: datetime) -> None:
    """What the lead earns now belongs to its tally, if it has one that holds."""
    if earned and lead.tally is not None:
        entries = _entries(lead.tally, now)
        lead.tally = None if entries is None else tally(rules, [*entries, *earned], now)


def _entries(tally: Tally | None, now: datetime) -> list[Entry] | None:
    """What the tally says; None when it holds no more, or there is none."""
    if tally is None:
        return None
    entries = [
        Entry(rule, "", points, now, datetime.fromisoformat(expires) if expires else None)
        for rule, (points, expires) in tally.items()
    ]
    return entries if all(entry.alive(now) for entry in entries) else None


async def _counted(
    session: AsyncSession, rules: Scoring, ids: Sequence[str], now: datetime
) -> defaultdict[str, list[Entry]]:
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    if ids and rules.engagement:
        given = {"ids": list(ids)} | ({"since": now - rules.reach} if rules.reach else {})
        for lead_id, *touch in await session.execute(_touches(bool(rules.reach)), given):
            found[lead_id] += scoring.entries(rules, Touch(*touch))
    return found


@cache
def _touches(lately: bool) -> Select[Any]:
    """Of the leads, or no older than that."""
    touch = table(TouchRow).c
    about = (touch.id, touch.name, touch.at, touch.properties, touch.machine)
    query = select(touch.lead_id, *about).where(Among(touch.lead_id, "ids"))
    return query.where(touch.at > bindparam("since")) if lately else query
