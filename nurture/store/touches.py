"""Touches.

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
from nurture.store import bulk, points
from nurture.store.among import Among
from nurture.store.columns import table
from nurture.store.points import Counted
from nurture.store.tables import LeadRow, TouchRow


class Begun(Protocol):
    first_touch_at: datetime | None


class Told(Begun, Counted, Protocol):
    id: str
    source: str | None


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


def told(rules: Scoring, lead: Told, touch: Touch, source: str, now: datetime) -> Made:
    """Note with the lead what the touch changes of it: when its first was and where it came from, and what its points
    come to."""
    own = made(rules, lead.id, touch)
    if lead.first_touch_at and (touch.at, source) < (lead.first_touch_at, lead.source or ""):
        lead.source = source
    first(lead, touch)
    points.add(rules, lead, own.earned, now)
    return own


async def store(
    session: AsyncSession, rules: Scoring, row: LeadRow, touch: Touch, source: str, now: datetime
) -> None:
    """One touch of the lead, and what it earns under these rules."""
    await store_all(session, [told(rules, row, touch, source, now)], source, now)


async def stored(session: AsyncSession, ids: Iterable[str]) -> set[str]:
    """Which of these touches are there already."""
    return set((await session.execute(_stored(), {"ids": list(ids)})).scalars())


async def came_since(session: AsyncSession, touch_id: str, since: datetime) -> bool:
    touch = await session.get(TouchRow, touch_id)
    return touch is not None and touch.received_at > since


async def store_all(
    session: AsyncSession, made: Sequence[Made], source: str, now: datetime
) -> None:
    rows = [_values(each, source, now) for each in made]
    await bulk.execute(session, _touch(), _TOUCH, rows)


@cache
def _stored() -> Select[str]:
    touch = table(TouchRow).c
    return select(touch.id).where(Among(touch.id, "ids"))


@cache
def _touch() -> Insert:
    return insert(table(TouchRow))


_TOUCH = ("id", "lead_id", "source", "name", "at", "received_at", "properties", "machine")


def _values(made: Made, source: str, now: datetime) -> tuple[Any, ...]:
    touch, lead_id = made.touch, made.lead_id
    return (
        *(touch.id, lead_id, source, touch.name, touch.at, now),
        *(touch.properties, touch.machine),
    )
