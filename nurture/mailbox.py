"""The bounce mailbox: read beside the worker, whatever it holds carried into ledger and leads."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from nurture.delivery.feedback import bounces
from nurture.delivery.feedback.listener import Listener
from nurture.domain.errors import Transient
from nurture.feedback import Feedback

PROVIDER = "mailbox"
"""Who told, in the feedback kept of it."""

log = structlog.get_logger()


class Source(Protocol):
    async def look(self, take: Callable[[bytes], Awaitable[None]]) -> int: ...


class Mailbox:
    """Mailboxes to look into (`sources`), and an address (`listen`) at which bounces are taken by SMTP. The same
    mail found twice changes nothing."""

    def __init__(
        self,
        feedback: Feedback,
        now: Callable[[], datetime],
        sources: Sequence[Source] = (),
        listen: tuple[str, int] | None = None,
        pause: timedelta = timedelta(minutes=1),
    ) -> None:
        self._feedback = feedback
        self._now = now
        self._sources = sources
        self._listener = Listener(*listen, self.take) if listen else None
        self._pause = pause

    @property
    def port(self) -> int | None:
        """Where bounces are taken by SMTP, once it has started."""
        return self._listener.port if self._listener else None

    async def start(self) -> None:
        """Raises StartError when the port cannot be used."""
        if self._listener:
            await self._listener.start()

    async def take(self, raw: bytes) -> None:
        """One mail. Raises Transient while the database is away."""
        now = self._now()
        heard = await self._feedback.take(PROVIDER, bounces.read(raw, now), now)
        log.info("bounce_mailbox", taken=heard.taken, unmatched=heard.unmatched)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. A mailbox that does not answer is asked again later."""
        while not stop.is_set():
            for source in self._sources:
                await self._empty(source)
            try:
                await asyncio.wait_for(stop.wait(), self._pause.total_seconds())
            except TimeoutError:
                continue
        if self._listener:
            await self._listener.stop()

    async def _empty(self, source: Source) -> None:
        try:
            while await source.look(self.take):
                pass
        except Transient as error:
            log.warning("bounce_mailbox_away", reason=str(error))
