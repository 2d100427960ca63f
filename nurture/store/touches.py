"""Touches, and the points they earn."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import keys, scoring
from nurture.domain.lead import Touch
from nurture.incoming import IDENTIFIED, Incoming
from nurture.playbook import Playbook
from nurture.store import leads
from nurture.store.tables import LeadRow, TouchRow


def make(
    source: str, message: Incoming, properties: Mapping[str, Any], machine: str | None = None
) -> Touch:
    touch_id = keys.touch_id(source, message.message_id)
    return Touch(touch_id, message.touch or IDENTIFIED, message.at, dict(properties), machine)


def store(
    session: AsyncSession,
    playbook: Playbook,
    row: LeadRow,
    source: str,
    touch: Touch,
    now: datetime,
) -> None:
    """The touch and the points it earns."""
    session.add(
        TouchRow(
            id=touch.id,
            lead_id=row.id,
            source=source,
            name=touch.name,
            at=touch.at,
            received_at=now,
            properties=dict(touch.properties),
            machine=touch.machine,
        )
    )
    for entry in scoring.entries(playbook.scoring, touch):
        session.add(leads.entry_row(row.id, entry))
    if row.first_touch_at is None or touch.at < row.first_touch_at:
        row.first_touch_at = touch.at
