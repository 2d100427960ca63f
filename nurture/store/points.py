"""Points that leads earned: each by itself, to be explained, or summed by rule, to be counted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import scoring
from nurture.domain.scoring import Entry, Scoring
from nurture.store.among import Among
from nurture.store.columns import table
from nurture.store.tables import ScoreEntryRow


async def earned(session: AsyncSession, lead_id: str) -> list[Entry]:
    """Every entry of one lead, expired ones too."""
    return [Entry(*row) for row in await session.execute(_every(), {"lead": lead_id})]


Tally = Mapping[str, tuple[int, str | None]]
"""As a lead's row keeps it, of each rule whose points do not fade: the sum of what is alive, and when the first of it
is gone. It holds until the score next changes by itself (`next_score_at`)."""


class Counted(Protocol):
    tally: Tally | None
    next_score_at: datetime | None


async def living(
    session: AsyncSession, rules: Scoring, ids: Sequence[str], now: datetime
) -> defaultdict[str, list[Entry]]:
    """By lead what counts at `now`, summed from what there is: one entry for each rule; of a rule whose points fade,
    each."""
    return await _counted(session, rules, ids, ids, now)


async def kept(
    session: AsyncSession, rules: Scoring, leads: Mapping[str, Counted], now: datetime
) -> defaultdict[str, list[Entry]]:
    """The same, from the tallies that still hold, so that a long history costs no more than a short one."""
    holds = {lead_id: lead.tally for lead_id, lead in leads.items() if _holds(lead, now)}
    unsummed = [id_ for id_ in leads if id_ not in holds]
    found = await _counted(session, rules, unsummed, list(leads), now)
    for lead_id, tally in holds.items():
        found[lead_id] += _entries(tally or {}, now)
    return found


def tally(rules: Scoring, earned: Iterable[Entry], now: datetime) -> Tally:
    """To be kept with the lead."""
    return {
        entry.rule: (entry.points, entry.expires_at.isoformat() if entry.expires_at else None)
        for entry in scoring.tally(rules, earned, now)
    }


def _holds(lead: Counted, now: datetime) -> bool:
    return lead.tally is not None and (lead.next_score_at is None or now < lead.next_score_at)


def _entries(tally: Tally, now: datetime) -> Iterable[Entry]:
    for rule, (points, expires) in tally.items():
        yield Entry(rule, "", points, now, datetime.fromisoformat(expires) if expires else None)


async def _counted(
    session: AsyncSession,
    rules: Scoring,
    unsummed: Sequence[str],
    ids: Sequence[str],
    now: datetime,
) -> defaultdict[str, list[Entry]]:
    """What fades, of all of these; the sums of what does not, of some."""
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for query, names, whose in (
        (_summed(), rules.steady, unsummed),
        (_each(), rules.fading, ids),
    ):
        if names and whose:
            given = {"ids": list(whose), "now": now, "rules": list(names)}
            for lead_id, *entry in await session.execute(query, given):
                found[lead_id].append(Entry(*entry))
    return found


_entry = table(ScoreEntryRow).c
_OWN = (_entry.rule, _entry.touch_id, _entry.points, _entry.at, _entry.expires_at)
_THEIRS = (
    Among(_entry.lead_id, "ids"),
    Among(_entry.rule, "rules"),
    or_(_entry.expires_at.is_(None), _entry.expires_at > bindparam("now")),
)


@cache
def _every() -> Select[Any]:
    return select(*_OWN).where(_entry.lead_id == bindparam("lead"))


@cache
def _summed() -> Select[Any]:
    count = (func.max(_entry.touch_id), func.sum(_entry.points), func.max(_entry.at))
    return (
        select(_entry.lead_id, _entry.rule, *count, func.min(_entry.expires_at))
        .where(*_THEIRS)
        .group_by(_entry.lead_id, _entry.rule)
    )


@cache
def _each() -> Select[Any]:
    return select(_entry.lead_id, *_OWN).where(*_THEIRS)
