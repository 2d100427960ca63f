"""Hands wake-ups to Temporal once they are committed; the relay takes over what a dead process left."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.crowd import Crowd
from nurture.domain.errors import Transient
from nurture.ports import Waker
from nurture.store import wakeups
from nurture.store.database import Database
from nurture.store.tables import WakeupRow
from nurture.together import Together

_AT_ONCE = 20
"""For each kind of workflow: a thousand enrolments keep no handover waiting."""

log = structlog.get_logger()

HAND_OVER = "hand-over"
"""The name of the tasks that run on after a transaction."""


class Outbox:
    """The way to write anything that may wake a workflow."""

    def __init__(self, db: Database, waker: Waker) -> None:
        self._db = db
        self._waker = waker
        self._free = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(_AT_ONCE))
        self._running: set[asyncio.Task[int]] = set()
        self._crowd = Crowd()
        self._records = Together(self._record, len, _AT_ONCE)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A write transaction. After the commit its wake-ups are handed over in the background."""
        async with self._db.write() as session:
            yield session
            written: list[WakeupRow] = session.info.get(wakeups.WRITTEN, [])
        if written:
            task = asyncio.create_task(self._hand_over(written), name=HAND_OVER)
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def in_pieces(self, change: Callable[[AsyncSession], Awaitable[bool]]) -> None:
        """Change a piece in a transaction of its own as long as there may be more, so that others can write in between.
        Who dies on the way goes on there."""
        more = True
        while more:
            async with self.write() as session:
                more = await change(session)

    def rehearsal(self) -> "Outbox":
        """The same, but nothing that is written stays, and nobody is woken."""
        return _Rehearsal(self._db, self._waker)

    def read(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction that changes nothing."""
        return self._db.read()

    async def wake(self, kind: str, key: str) -> None:
        """At once and without a row: whoever asks does so again. Raises Transient."""
        await self._waker.wake(kind, key)

    async def relay(self, now: datetime) -> int:
        """Hand over what nobody did within its lease; how many went through."""
        async with self._db.write() as session:
            begin = await self._crowd.take(session, now)
            left = await wakeups.take_left(session, now)
        return await self._hand_over([*left, *begin])

    @property
    def crowded(self) -> bool:
        """Whether the relay does well to look again soon."""
        return bool(self._crowd)

    async def drain(self) -> None:
        """Wait for the hand-overs under way."""
        while self._running:
            await asyncio.gather(*self._running)

    async def _hand_over(self, rows: Sequence[WakeupRow]) -> int:
        """One call per workflow, however many wake-ups; what fails stays in the table for the relay."""
        ids: dict[tuple[str, str, str, str], list[int]] = {}
        for row in rows:
            ids.setdefault((row.kind, row.key, row.flow, row.sender), []).append(row.id or 0)
        outcomes = await asyncio.gather(*(self._wake(*which) for which in ids))
        through = [
            row_id
            for row_ids, woken in zip(ids.values(), outcomes, strict=True)
            if woken
            for row_id in row_ids
        ]
        if through:
            await self._done(through)
        return len(through)

    async def _done(self, through: Sequence[int]) -> None:
        """When the database is away right now the relay wakes them once more, which harms nothing."""
        try:
            await self._records.ask(through)
        except Transient as error:
            log.warning("wakeups_not_recorded", error=error.detail)

    async def _record(self, several: Sequence[Sequence[int]]) -> Sequence[None]:
        async with self._db.write() as session:
            await wakeups.done(session, [row_id for through in several for row_id in through])
        return [None for _ in several]

    async def _wake(self, kind: str, key: str, flow: str, sender: str) -> bool:
        async with self._free[kind]:
            try:
                await self._waker.wake(kind, key, flow, sender)
            except Transient:
                return False
        return True


class _Rehearsal(Outbox):
    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with self._db.write() as session:
            yield session
            await session.rollback()
