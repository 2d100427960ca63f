"""After a database was restored to an earlier moment: what may have gone out since then is not sent again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.flow import Cursor, Flow
from nurture.domain.renaming import back_then, in_force
from nurture.domain.restored import Door, doors, may_have_entered, may_have_sent
from nurture.playbook import Playbook
from nurture.store import enrolments, handovers, messages, upkeep, wakeups
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import EnrolmentRow
from nurture.upkeep.reconciling import GRACE
from nurture.versions.shelf import Shelf

REASON = "the database was restored to a moment before it was due"


@dataclass(frozen=True)
class Restored:
    """So many mails of so many leads are unknown because of it."""

    mails: int
    leads: int


class Restoring:
    def __init__(self, db: Database, shelf: Shelf) -> None:
        self._db = db
        self._shelf = shelf

    async def doubt(self, now: datetime) -> Restored:
        """Mails that came due until now and of which the database knows nothing become unknown.

        To be called before any worker runs. Harmless when repeated.
        """
        async with self._db.write() as session:
            playbook = await self._shelf.current(session)
            for handover in await handovers.all_open(session):
                await self._doubt_handover(session, playbook, handover, now)
            async for page in enrolments.in_flight(session):
                for run in page:
                    await self._doubt_run(session, playbook, run, now)
                await session.flush()
            await wake_the_young(session, now)
            await messages.suspect_open(session, REASON, now)
            found = await messages.unknown_for(session, REASON)
        return Restored(len(found), len(set(found)))

    async def _doubt_run(
        self, session: AsyncSession, playbook: Playbook, run: EnrolmentRow, now: datetime
    ) -> None:
        """Of the flow as the lead follows it and as it is now: either may be the one that goes on."""
        kept = await self._shelf.version(session, run.playbook)
        cursor, recycle_to = enrolments.cursor(run), playbook.handover.terms.recycle_to
        steps: dict[str, str] = {}
        ways: list[Door] = []
        now_called = in_force(kept.flows, playbook.flows, run.flow)
        if now_called is None:
            return
        old = back_then(kept.flows, now_called, run.flow)
        for flow in filter(None, (old, now_called)):
            steps |= may_have_sent(flow, cursor, now)
            ways += doors(flow, cursor, now, recycle_to)
        book = _called(playbook, now_called, run.flow)
        for step, template in steps.items():
            await messages.suspect(session, book, run, step, template, REASON, now)
        if ways:
            runs = await enrolments.of_lead(session, run.lead_id)
            await _doubt_entered(session, playbook, run, runs, ways, now)

    async def _doubt_handover(
        self, session: AsyncSession, playbook: Playbook, handover: HandoverRow, now: datetime
    ) -> None:
        """Sales may have given the lead back as soon as it had it."""
        kept = await self._shelf.version(session, handover.playbook)
        flows = {
            flow.id
            for book in (kept, playbook)
            if (name := book.handover.terms.recycle_to)
            and (flow := in_force(book.flows, playbook.flows, name))
        }
        runs = await enrolments.of_lead(session, handover.lead_id)
        if runs:
            ways = [(flow, handover.opened_at) for flow in sorted(flows)]
            await _doubt_entered(session, playbook, runs[0], runs, ways, now)


async def wake_the_young(session: AsyncSession, now: datetime) -> None:
    """What began so lately that the comparison with Temporal passes it over: one that was restored, or is another, may
    not have it."""
    for each in await upkeep.begun_since(session, now - GRACE):
        wakeups.add(session, each.kind, each.key, now, each.flow)
    wakeups.leave_to_relay(session, now)


def _called(playbook: Playbook, flow: Flow, name: str) -> Playbook:
    """In it the flow goes by the name, too, that a run has which is yet to come over."""
    senders = {**playbook.sender_of, name: playbook.sender_of[flow.id]}
    return replace(playbook, flows={**playbook.flows, name: flow}, sender_of=senders)


async def _doubt_entered(
    session: AsyncSession,
    playbook: Playbook,
    run: EnrolmentRow,
    runs: Sequence[EnrolmentRow],
    ways: Iterable[Door],
    now: datetime,
) -> None:
    """Of the runs that those ways led to, and which the database knows nothing of; `run` keeps their mails."""
    recycle_to = playbook.handover.terms.recycle_to
    for name, at in may_have_entered(ways, playbook.flows, now, recycle_to).items():
        flow = playbook.flows[name]
        next_run = enrolments.following(playbook, run.lead_id, name, runs, at)
        for step, template in may_have_sent(flow, Cursor(flow.first, at), now).items():
            await messages.suspect(
                session, playbook, next_run, step, template, REASON, now, behind=run
            )
