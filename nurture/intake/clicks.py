"""A click counts once it is known to be a person's: when no other link of the mail was followed at once.

Until then it is kept as a machine's hit is. So nothing follows from the first step of a scanner's walk, which looks
like a person's: no points, no stage, no handover, no way through a flow.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain import machines, topics
from nurture.domain.enrolment import Trigger
from nurture.outbox import Outbox
from nurture.reactions import Reactions
from nurture.store import clicks, feedback, leads
from nurture.store.tables import LeadRow, MessageRow, TouchRow
from nurture.versions.shelf import Shelf


class Clicks:
    """Of people, as time shows."""

    def __init__(self, outbox: Outbox, shelf: Shelf, reactions: Reactions) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._reactions = reactions

    async def page(self, now: datetime) -> int:
        """The next that are due, each in a transaction of its own; how many."""
        async with self._outbox.read() as session:
            due = await clicks.due(session, now)
        for touch_id in due:
            async with self._outbox.write() as session:
                await self._count(session, touch_id, now)
                await clicks.counted(session, touch_id)
        return len(due)

    async def _count(self, session: AsyncSession, touch_id: str, now: datetime) -> None:
        row = await _whose(session, touch_id)
        if row is None or row.erased_at:
            return
        touch = await session.get_one(TouchRow, touch_id)
        if touch.machine != machines.TOO_EARLY:
            return
        touch.machine = None
        mail = await session.get(MessageRow, str(touch.properties["message"]))
        row.tally = None
        playbook = await self._shelf.current(session)
        heard = [Trigger(topics.touch(touch.name))]
        if mail and await feedback.read(session, mail, row, touch.name, touch.at, playbook.day):
            heard.append(Trigger(topics.CONSENT))
        await self._reactions.settle(session, playbook, row, heard, now)


async def _whose(session: AsyncSession, touch_id: str) -> LeadRow | None:
    """The lead, locked; None: the touch is gone."""
    query = select(TouchRow.lead_id).where(col(TouchRow.id) == touch_id)
    lead_id = (await session.execute(query)).scalar()
    return await leads.lock_joined(session, lead_id) if lead_id else None
