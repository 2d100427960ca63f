"""Points that leads earned: each by itself, to be explained, or summed by rule, to be counted."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.scoring import Entry, Scoring
from nurture.store.among import Among
from nurture.store.columns import table
from nurture.store.tables import ScoreEntryRow


async def earned(session: AsyncSession, lead_id: str) -> list[Entry]:
    """Every entry of one lead, expired ones too."""
    return [Entry(*row) for row in await session.execute(_every(), {"lead": lead_id})]


async def living(
    session: AsyncSession, rules: Scoring, ids: Sequence[str], now: datetime
) -> defaultdict[str, list[Entry]]:
    """By lead what counts at `now`: one entry for each rule, so that a long history costs no more than a
    short one; of a rule whose points fade, each."""
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    steady = [rule for rule in rules.rules if rule not in rules.fading]
    for query, names in ((_summed(), steady), (_each(), list(rules.fading))):
        if not names:
            continue
        given = {"ids": list(ids), "now": now, "rules": names}
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
