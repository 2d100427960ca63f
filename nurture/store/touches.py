"""Touches, and the points they earn.

Written as plain rows of their tables: they are by far the most that is ever stored, and a mapped object for each
costs several times as much.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Insert, Select, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import keys, scoring
from nurture.domain.lead import Touch
from nurture.domain.scoring import Entry, Scoring
from nurture.incoming import IDENTIFIED, Incoming
from nurture.store.among import Among
from nurture.store.columns import table
from nurture.store.tables import LeadRow, ScoreEntryRow, TouchRow


class Begun(Protocol):
    first_touch_at: datetime | None


@dataclass(frozen=True, slots=True)
class Made:
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
    if made:
        await session.execute(_touch(), [_values(each, source, now) for each in made])
    await earn(session, made)


async def earn(session: AsyncSession, made: Iterable[Made]) -> None:
    """Only what they earn."""
    earned = [{"lead_id": each.lead_id, **vars(entry)} for each in made for entry in each.earned]
    if earned:
        await session.execute(_entry(), earned)


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


def _values(made: Made, source: str, now: datetime) -> dict[str, Any]:
    touch = made.touch
    return {
        "id": touch.id,
        "lead_id": made.lead_id,
        "source": source,
        "name": touch.name,
        "at": touch.at,
        "received_at": now,
        "properties": touch.properties,
        "machine": touch.machine,
    }
