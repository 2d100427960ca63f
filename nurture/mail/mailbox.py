"""The mailbox for bounces and mails that unsubscribe: read beside the worker, and carried into ledger and leads."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from nurture.delivery.feedback import bounces, leaving
from nurture.delivery.feedback.listener import Listener
from nurture.domain.consent import EMAIL_MARKETING
from nurture.domain.errors import InputError, StartError, Transient
from nurture.domain.sources import UNSUBSCRIBE
from nurture.intake.taking import Intake
from nurture.mail.feedback import Feedback
from nurture.settings import PREFIX, Settings
from nurture.tokens import Tokens

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
        intake: Intake,
        tokens: Tokens,
        now: Callable[[], datetime],
        sources: Sequence[Source] = (),
        listen: tuple[str, int] | None = None,
        pause: timedelta = timedelta(minutes=1),
    ) -> None:
        self._feedback = feedback
        self._intake = intake
        self._tokens = tokens
        self._now = now
        self._sources = sources
        setting = f"{PREFIX}BOUNCE_PORT"
        self._listener = Listener(*listen, self.take, setting) if listen else None
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
        if token := leaving.token(raw):
            await self._leave(token, now)
            return
        heard = await self._feedback.take(PROVIDER, bounces.read(raw, now), now)
        log.info("bounce_mailbox", taken=heard.taken, unmatched=heard.unmatched)

    async def _leave(self, token: str, now: datetime) -> None:
        """As the one-click button does; a token that is not ours changes nothing."""
        try:
            lead_id = self._tokens.lead_leaving(token)
        except InputError:
            log.warning("unsubscribed_by_mail", taken=0)
            return
        await self._intake.withdraw(lead_id, EMAIL_MARKETING, UNSUBSCRIBE, now)
        log.info("unsubscribed_by_mail", taken=1)

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


def address_read(settings: Settings) -> str:
    """Where one unsubscribes by mail; empty: nowhere. A promise in every mail, so StartError when nobody reads it."""
    address = settings.unsubscribe_address
    if address and not (settings.bounce_imap_host or settings.bounce_port):
        raise StartError(
            f"{PREFIX}UNSUBSCRIBE_ADDRESS: nobody reads what comes to {address};"
            f" {PREFIX}BOUNCE_IMAP_HOST or {PREFIX}BOUNCE_PORT says where it arrives"
        )
    return address
