"""Webhook steps' calls: kept with the step that caused them, delivered beside it until they are heard."""

import asyncio
from collections import Counter
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
    if await calls.asked(session, run.id, flow.names_of(effect.step)):
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
    """`desk_of` opens the receiver at an address; its `deliver` signs the call and posts it.

    At most so many `slots` are on their way at once, and not more than half of them to one receiver: one that is down
    keeps none of the others waiting. What is on its way is told to be so every second, since a process that dies says
    nothing.
    """

    def __init__(
        self,
        db: Database,
        shelf: Shelf,
        desk_of: Callable[[str], SalesDesk],
        now: Callable[[], datetime],
        slots: int = 20,
        pause: timedelta = timedelta(seconds=1),
    ) -> None:
        self._db = db
        self._shelf = shelf
        self._desk_of = desk_of
        self._now = now
        self._slots = slots
        self._share = max(1, slots // 4)
        self._pause = pause
        self._under_way: dict[asyncio.Task[bool], CallRow] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; what is on its way then arrives first."""
        stopped = asyncio.create_task(stop.wait())
        while self._under_way or not stopped.done():
            begun = await self._looked(stopped.done())
            tasks = {*self._under_way} | (set() if stopped.done() else {stopped})
            if tasks and not begun:
                await asyncio.wait(
                    tasks,
                    timeout=self._pause.total_seconds(),
                    return_when=asyncio.FIRST_COMPLETED,
                )

    async def _looked(self, stopped: bool) -> bool:
        """Whether calls were begun."""
        try:
            await self.keep(self._now())
            return not stopped and bool(await self.begin(self._now()))
        except Transient as error:
            log.warning("calls_wait", error=error.detail)
            return False

    async def keep(self, now: datetime) -> None:
        """Tell of what is on its way that it still is."""
        held = [
            row for row in self._under_way.values() if calls.is_held_since(row, now, self._pause)
        ]
        if held:
            async with self._db.write() as session:
                await calls.keep(session, held, now)

    async def begin(self, now: datetime) -> list[asyncio.Task[bool]]:
        """Begin what is due, as far as there is room; each says whether it was heard."""
        to = Counter(row.endpoint for row in self._under_way.values())
        room = min(self._share, self._slots - to.total())
        if not room:
            return []
        async with self._db.write() as session:
            busy = [endpoint for endpoint, number in to.items() if number >= self._share]
            due = await calls.take_due(session, now, room, busy)
            addresses = (await self._shelf.current(session)).webhooks if due else {}
        begun = {
            asyncio.create_task(self._tried(row, addresses.get(row.endpoint), now)): row
            for row in due
        }
        for task in begun:
            task.add_done_callback(self._under_way.pop)
        self._under_way |= begun
        return list(begun)

    async def _tried(self, row: CallRow, address: str | None, now: datetime) -> bool:
        """Where the database is away, what came of it is not known, and it is tried again."""
        try:
            return await self._attempt(row, address, now)
        except Transient as error:
            log.warning("calls_wait", error=error.detail)
            return False

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
