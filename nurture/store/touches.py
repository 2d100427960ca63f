"""Touches, and the points they earn.

Written as plain rows of their tables: they are by far the most that is ever stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Insert, Select, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import keys, scoring
from nurture.domain.lead import Touch
from nurture.domain.scoring import Entry, Scoring
from nurture.incoming import IDENTIFIED, Incoming
from nurture.store import bulk
from nurture.store.among import Among
from nurture.store.columns import table
from nurture.store.tables import LeadRow, ScoreEntryRow, TouchRow


class Begun(Protocol):
    first_touch_at: datetime | None


class Made(NamedTuple):
    """A touch, whose it is, and what it earns."""

    lead_id: str
    touch: Touch
    earned: Sequence[Entry]


def make(
    source: str, message: Incoming, properties: Mapping[str, Any], machine: str | None = None
) -> Touch:
    touch_id = keys.touch_id(source, message.message_id)
    return Touch(touch_id, message.touch or IDENTIFIED, message.at, dict(properties), machine)


def made(rules: Scoring, lead_id: str, touch: Touch) -> Made:
    return Made(lead_id, touch, scoring.entries(rules, touch))


def first(lead: Begun, touch: Touch) -> None:
    """Note when the lead's first touch was."""
    if lead.first_touch_at is None or touch.at < lead.first_touch_at:
        lead.first_touch_at = touch.at


async def store(
    session: AsyncSession, rules: Scoring, row: LeadRow, touch: Touch, source: str, now: datetime
) -> None:
    """One touch of the lead, and what it earns under these rules."""
    first(row, touch)
    await store_all(session, [made(rules, row.id, touch)], source, now)


async def stored(session: AsyncSession, ids: Iterable[str]) -> set[str]:
    """Which of these touches are there already."""
    return set((await session.execute(_stored(), {"ids": list(ids)})).scalars())


async def store_all(
    session: AsyncSession, made: Sequence[Made], source: str, now: datetime
) -> None:
    rows = [_values(each, source, now) for each in made]
    await bulk.execute(session, _touch(), _TOUCH, rows)
    await earn(session, made)


async def earn(session: AsyncSession, made: Iterable[Made]) -> None:
    """Only what they earn."""
    rows = [
        (each.lead_id, one.rule, one.touch_id, one.points, one.at, one.expires_at)
        for each in made
        for one in each.earned
    ]
    await bulk.execute(session, _entry(), _ENTRY, rows)


@cache
def _stored() -> Select[str]:
    touch = table(TouchRow).c
    return select(touch.id).where(Among(touch.id, "ids"))


@cache
def _touch() -> Insert:
    return insert(table(TouchRow))


@cache
def _entry() -> Insert:
    return insert(table(ScoreEntryRow))


_TOUCH = ("id", "lead_id", "source", "name", "at", "received_at", "properties", "machine")
_ENTRY = ("lead_id", "rule", "touch_id", "points", "at", "expires_at")


def _values(made: Made, source: str, now: datetime) -> tuple[Any, ...]:
    touch, lead_id = made.touch, made.lead_id
    return (
        *(touch.id, lead_id, source, touch.name, touch.at, now),
        *(touch.properties, touch.machine),
    )
