"""Webhook steps' calls: kept with the step that caused them, delivered beside it until they are heard."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import keys
from nurture.domain.effects import CallWebhook
from nurture.domain.errors import Permanent, StartError, Transient, Unknown
from nurture.domain.flow import Flow
from nurture.domain.retries import wait_after
from nurture.ports import Notice, SalesDesk
from nurture.store import calls
from nurture.store.database import Database
from nurture.store.tables import CallRow, EnrolmentRow, LeadRow
from nurture.versions.shelf import Shelf

TYPE = "lead.step.reached"

log = structlog.get_logger()


async def ask(
    session: AsyncSession,
    flow: Flow,
    run: EnrolmentRow,
    lead: LeadRow,
    effect: CallWebhook,
    now: datetime,
) -> None:
    """Queue the call, once a run, wherever its step is moved to and whatever it is called. It holds ids and no person:
    whoever is told asks the API for more."""
    names = sorted(flow.names_of(effect.step))
    if await calls.asked(session, [keys.notice_id(run.id, name) for name in names]):
        return
    data = {
        "flow": run.flow,
        "step": effect.step,
        "enrolment": run.id,
        "lead": {"id": lead.id, "stage": lead.stage, "persona": lead.persona},
    }
    row = CallRow(
        id=keys.notice_id(run.id, effect.step),
        enrolment_id=run.id,
        endpoint=effect.endpoint,
        data=data,
        created_at=now,
        next_attempt_at=now,
    )
    session.add(row)


class Calls:
    """`desk_of` opens the receiver at an address; its `deliver` signs the call and posts it."""

    def __init__(
        self,
        db: Database,
        shelf: Shelf,
        desk_of: Callable[[str], SalesDesk],
        now: Callable[[], datetime],
        pause: timedelta = timedelta(seconds=1),
    ) -> None:
        self._db = db
        self._shelf = shelf
        self._desk_of = desk_of
        self._now = now
        self._pause = pause

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        while not stop.is_set():
            try:
                await self.deliver(self._now())
            except Transient as error:
                log.warning("calls_wait", error=error.detail)
            try:
                await asyncio.wait_for(stop.wait(), self._pause.total_seconds())
            except TimeoutError:
                continue

    async def deliver(self, now: datetime) -> int:
        """One try of what is due; how many were heard."""
        async with self._db.write() as session:
            due = await calls.take_due(session, now)
            addresses = (await self._shelf.current(session)).webhooks if due else {}
        heard = await asyncio.gather(
            *(self._attempt(row, addresses.get(row.endpoint), now) for row in due)
        )
        return sum(heard)

    async def _attempt(self, row: CallRow, address: str | None, now: datetime) -> bool:
        error, delay = "", None
        try:
            if address is None:
                raise Permanent("gone", "the playbook names no such webhook any more")
            desk = self._desk_of(address)
            await desk.deliver(Notice(row.id, TYPE, row.created_at.isoformat(), row.data))
        except Permanent as problem:
            error = str(problem)
        except (Transient, Unknown, StartError) as problem:
            error, delay = str(problem), wait_after(problem, row.attempts + 1, row.id)
        async with self._db.write() as session:
            await calls.record(session, row.id, error, now + delay if delay else None, now)
        return not error
