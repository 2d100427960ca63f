"""A handover's doing: what its deadlines demand, then telling sales, in order and until it is heard."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities import clock
from activities.contract import ADVANCE_HANDOVER, Next
from nurture.domain import sla, topics
from nurture.domain.enrolment import Trigger
from nurture.domain.errors import Gone, Permanent, Transient, Unknown
from nurture.domain.retries import wait_after
from nurture.domain.sla import State
from nurture.handovers.running import Handovers
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.ports import Notice, SalesDesk
from nurture.reactions import Reactions
from nurture.store import handovers, notices, owned
from nurture.store.handover_tables import HandoverRow, NoticeRow
from nurture.store.tables import LeadRow
from nurture.versions.shelf import Shelf


class HandoverActivities:
    """`advance` may be repeated after a crash: deadlines are ticked off by id, notices keep theirs."""

    def __init__(
        self,
        outbox: Outbox,
        shelf: Shelf,
        handovers_: Handovers,
        reactions: Reactions,
        desk: SalesDesk,
    ) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._handovers = handovers_
        self._reactions = reactions
        self._desk = desk

    @activity.defn(name=ADVANCE_HANDOVER)
    async def advance(self, handover_id: str) -> Next:
        """Act on what is due, deliver what is to be told, say when to look again."""
        now = clock.now()
        async with self._outbox.write() as session:
            found = await owned.hold(session, HandoverRow, handover_id)
            if found is None:
                return Next(done=True)
            row, lead = found
            playbook = await self._shelf.version(session, row.playbook)
            current = await self._shelf.current(session)
            before = row.state
            deadline = await self._handovers.act(session, playbook, current, row, lead, now)
            if row.state != before:
                await self._settle(session, current, row, lead, now)
            running = State(row.state) in sla.RUNNING
            untold = await handovers.untold(session, handover_id)
            if untold and await notices.closed(session):
                notices.put_aside(untold, now)
                untold = []
        retry = await self._deliver(untold, now)
        times = [at for at in (deadline, retry) if at]
        if times:
            return Next(wake_at=min(times).timestamp())
        return Next(done=not running)

    async def _settle(
        self,
        session: AsyncSession,
        current: Playbook,
        row: HandoverRow,
        lead: LeadRow,
        now: datetime,
    ) -> None:
        """What waited for sales to be done with the lead goes on."""
        triggers = [Trigger(topics.SALES)]
        if row.kind == handovers.HANDOVER:
            triggers.append(Trigger(topics.STAGE, lead.stage))
        await self._reactions.settle(session, current, lead, triggers, now)

    async def _deliver(self, untold: list[NoticeRow], now: datetime) -> datetime | None:
        """Tell them one after another; the first that must wait holds the later ones. When to try again."""
        for notice in untold:
            if notice.next_attempt_at and notice.next_attempt_at > now:
                return notice.next_attempt_at
            try:
                again = await self._attempt(notice.id, now)
            except Gone as gone:
                async with self._outbox.write() as session:
                    await notices.close(session, str(gone), now)
                return None
            if again:
                return again
        return None

    async def _attempt(self, notice_id: str, now: datetime) -> datetime | None:
        """One try. None: it is over, by delivery or for good; else when to try again. Raises Gone."""
        async with self._outbox.write() as session:
            notice = await notices.begin(session, notice_id)
        if notice is None:
            return None
        error, delay = "", None
        try:
            await self._desk.deliver(
                Notice(notice.id, notice.type, notice.created_at.isoformat(), notice.data)
            )
        except Gone:
            raise
        except Permanent as problem:
            error = str(problem)
        except (Transient, Unknown) as problem:
            error, delay = str(problem), wait_after(problem, notice.attempts, notice.id)
        async with self._outbox.write() as session:
            again = now + delay if delay else None
            return await notices.record(session, notice_id, error, again, now)
