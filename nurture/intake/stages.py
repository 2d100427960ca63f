"""A lead moved to a stage by people at sales, by a list or by another system, as `config/stages.yaml` allows."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import topics
from nurture.domain.enrolment import Trigger
from nurture.domain.errors import InputError
from nurture.domain.lifecycle import IMPORT, OUTSIDE
from nurture.incoming import Incoming
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.reactions import Reactions
from nurture.store import leads
from nurture.store.tables import LeadRow
from nurture.versions.shelf import Shelf


class Stages:
    """Moves by hand. They hand nobody over: that is what rules and `Desk.open` do."""

    def __init__(self, outbox: Outbox, shelf: Shelf, reactions: Reactions) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._reactions = reactions

    async def move(self, name: str, stage: str, by: str, reason: str, now: datetime) -> str:
        """The stage the lead was in. Raises InputError for an unknown lead, and for what is not allowed."""
        if by not in OUTSIDE:
            raise InputError(f"must be {' or '.join(sorted(OUTSIDE))}", "by")
        async with self._outbox.write() as session:
            known = await leads.find(session, name)
            row = await leads.lock_joined(session, known.id) if known else None
            if row is None or row.erased_at:
                raise InputError("nobody goes by that name", "lead")
            playbook, was = await self._shelf.current(session), row.stage
            triggers = place(session, playbook, row, stage, by, reason, now)
            await self._reactions.settle(session, playbook, row, triggers, now)
            return was


def told(
    session: AsyncSession, playbook: Playbook, row: LeadRow, message: Incoming, now: datetime
) -> list[Trigger]:
    """What follows from where another system says that the lead stands, as `place` has it."""
    if not (message.stage and message.trusted):
        return []
    return place(session, playbook, row, message.stage, IMPORT, message.reason, now)


def place(
    session: AsyncSession,
    playbook: Playbook,
    row: LeadRow,
    stage: str,
    by: str,
    reason: str,
    now: datetime,
) -> list[Trigger]:
    """What follows from it; nothing if the lead is there already. A lead taken back rests like one that
    sales gave back. Raises InputError as `Lifecycle.check` does, and for a way back while sales has it in hand."""
    if stage == row.stage:
        return []
    playbook.lifecycle.check(row.stage, stage, by, reason)
    if playbook.lifecycle.rank(stage) < playbook.lifecycle.rank(row.stage):
        if row.sales_owned:
            raise InputError(
                "sales has the lead in hand; rejecting its task takes it back", "stage"
            )
        row.cooled_until = now + playbook.handover.cool_off
    leads.change_stage(session, row, stage, now, by=by, reason=reason)
    return [Trigger(topics.STAGE, stage)]
