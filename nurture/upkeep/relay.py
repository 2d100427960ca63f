"""What runs beside the worker: wake-ups that nobody handed over, and scores whose points expire."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from sqlmodel import col, select

from nurture.domain.errors import Transient
from nurture.outbox import Outbox
from nurture.reactions import Reactions
from nurture.store import clicks, leads, wakeups
from nurture.store.tables import LeadRow
from nurture.versions.shelf import Shelf

_PAGE = 200

_CROWDED = timedelta(milliseconds=100)
"""The pause while many begin."""

Chore = Callable[[datetime], Awaitable[int]]
"""A page of work that may wait; how much it did."""

log = structlog.get_logger()


class Relay:
    """Looks once a `pause`. Both looks are by index on a due time; nothing polls all leads.

    `chores` get one page each a round, and hold up no wake-up however long they take: see nurture.upkeep.rescoring and
    nurture.upkeep.retention.
    """

    def __init__(
        self,
        outbox: Outbox,
        shelf: Shelf,
        reactions: Reactions,
        now: Callable[[], datetime],
        pause: timedelta = timedelta(seconds=1),
        chores: Sequence[Chore] = (),
    ) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._reactions = reactions
        self._now = now
        self._pause = pause
        self._chores = chores

    async def run(self, stop: asyncio.Event) -> None:
        """Hand over wake-ups until `stop` is set. A database that is away for a while is not the end."""
        while not stop.is_set():
            if await self._tried(self._outbox.relay) < wakeups.LEFT:  # else there may be more
                await self._rest(stop, _CROWDED if self._outbox.crowded else self._pause)

    async def tend(self, stop: asyncio.Event) -> None:
        """Beside that: do the chores, and score whoever is due."""
        while not stop.is_set():
            await self._tried(self._round)
            await self._rest(stop, self._pause)

    async def look(self) -> tuple[int, int]:
        """Both once: wake-ups handed over, leads re-scored."""
        now = self._now()
        return await self._outbox.relay(now), await self._round(now)

    async def _tried(self, work: Chore) -> int:
        try:
            return await work(self._now())
        except Transient as error:
            log.warning("relay_waits", error=error.detail)
            return 0

    async def _rest(self, stop: asyncio.Event, pause: timedelta) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause.total_seconds())

    async def _round(self, now: datetime) -> int:
        for chore in self._chores:
            try:
                await chore(now)
            except Transient as error:  # it is its turn again in the next round
                log.warning("chore_waits", error=error.detail)
        return await self._rescore(now)

    async def next_look(self) -> datetime | None:
        """When something will be due; None: nothing is known of."""
        async with self._outbox.read() as session:
            looks = wakeups.next_due, leads.next_expiry, clicks.next_due
            times = [await look(session) for look in looks]
        return min((at for at in times if at), default=None)

    async def _rescore(self, now: datetime) -> int:
        """For these leads something changes now that nobody tells: points expire, a rest or a rule's window ends."""
        async with self._outbox.write() as session:
            query = (
                select(LeadRow)
                .where(col(LeadRow.next_score_at) <= now)
                .order_by(col(LeadRow.next_score_at))
                .limit(_PAGE)
                .with_for_update(skip_locked=True)
            )
            rows = list((await session.execute(query)).scalars())
            playbook = await self._shelf.current(session) if rows else None
            if playbook:
                changed = [(row, ()) for row in rows]
                await self._reactions.settle_all(session, playbook, changed, now)
        return len(rows)
