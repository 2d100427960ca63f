"""Touches, and the points they earn.

Written as plain rows of their tables: they are by far the most that is ever stored, and a mapped object for each
costs several times as much.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import keys, scoring
from nurture.domain.lead import Touch
from nurture.domain.scoring import Scoring
from nurture.incoming import IDENTIFIED, Incoming
from nurture.store.columns import table
from nurture.store.tables import LeadRow, ScoreEntryRow, TouchRow

Made = tuple[LeadRow, Touch]
"""Who made which touch."""


def make(
    source: str, message: Incoming, properties: Mapping[str, Any], machine: str | None = None
) -> Touch:
    touch_id = keys.touch_id(source, message.message_id)
    return Touch(touch_id, message.touch or IDENTIFIED, message.at, dict(properties), machine)


async def store(
    session: AsyncSession, rules: Scoring, made: Sequence[Made], source: str, now: datetime
) -> None:
    """The touches and what they earn under these rules."""
    for row, touch in made:
        if row.first_touch_at is None or touch.at < row.first_touch_at:
            row.first_touch_at = touch.at
    if made:
        values = [_values(row, touch, source, now) for row, touch in made]
        await session.execute(insert(table(TouchRow)), values)
    await earn(session, rules, made)


async def earn(session: AsyncSession, rules: Scoring, made: Iterable[Made]) -> None:
    """Only what they earn."""
    earned = [
        {"lead_id": row.id, **vars(entry)}
        for row, touch in made
        for entry in scoring.entries(rules, touch)
    ]
    if earned:
        await session.execute(insert(table(ScoreEntryRow)), earned)


def _values(row: LeadRow, touch: Touch, source: str, now: datetime) -> dict[str, Any]:
    return {
        "id": touch.id,
        "lead_id": row.id,
        "source": source,
        "name": touch.name,
        "at": touch.at,
        "received_at": now,
        "properties": dict(touch.properties),
        "machine": touch.machine,
    }
