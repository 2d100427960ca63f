"""Entries of the send ledger, for tests of what becomes of mails."""

from datetime import datetime
from typing import Any

from nurture.store.tables import EnrolmentRow, LeadRow, MessageRow
from tests.support.domain import NOW
from tests.support.world import World


async def sent(
    world: World,
    id: str,
    email: str = "anna@example.org",
    at: datetime = NOW,
    user_id: str | None = None,
    **changes: Any,
) -> LeadRow:
    """One mail of that lead's welcome flow, accepted by the provider; the lead."""
    lead = await world.tell("form_submitted", email=email, user_id=user_id, at=at)
    [run] = [row for row in await world.rows(EnrolmentRow) if row.lead_id == lead.id]
    values = {
        "enrolment_id": run.id,
        "step": id,
        "lead_id": lead.id,
        "flow": run.flow,
        "template": "hello",
        "sender": "courses",
        "state": "accepted",
        "claimed_at": at,
        "sent_at": at,
        "provider_id": f"<{id}@courses.example>",
        **changes,
    }
    async with world.db.write() as session:
        session.add(MessageRow(id=id, **values))
    return lead


async def mail(world: World, id: str = "mail") -> MessageRow:
    async with world.db.read() as session:
        row = await session.get(MessageRow, id)
        assert row is not None
        return row
