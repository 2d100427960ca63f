"""A small SMTP server for mails that come to us, where a mail server of one's own can route them."""

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

from nurture.domain.errors import StartError, Transient

_LARGEST = 2 * 1024 * 1024

_MOST = 100
"""Recipients of one mail: RFC 5321 4.5.3.1.8 asks for so many. Each makes its head longer."""

Take = Callable[[bytes], Awaitable[None]]


class Listener:
    """Relays nothing: a mail is handed to `take` before it is answered. While `take` raises Transient, whoever
    sends it keeps it. `setting` names the port in an error; a mail has at most `largest` bytes."""

    def __init__(
        self, host: str, port: int, take: Take, setting: str, largest: int = _LARGEST
    ) -> None:
        self._host = host
        self.port = port
        self._handler = _Handler(take)
        self._setting = setting
        self._largest = largest
        self._server: asyncio.Server | None = None
        self._talks: WeakSet[SMTP] = WeakSet()

    async def start(self) -> None:
        """Raises StartError for a port that cannot be used."""
        loop = asyncio.get_running_loop()

        def talk() -> SMTP:
            made = SMTP(self._handler, data_size_limit=self._largest, ident="nurture", loop=loop)
            self._talks.add(made)
            return made

        try:
            self._server = await loop.create_server(talk, self._host, self.port)
        except OSError as error:
            raise StartError(
                f"{self._setting}: port {self.port} cannot be used: {error.strerror}"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Whoever keeps its connection open is not waited for."""
        if self._server:
            self._server.close()
        for talk in self._talks:
            if talk.transport:
                talk.transport.close()


class _Handler:
    """What aiosmtpd calls; the methods' names are its protocol."""

    def __init__(self, take: Take) -> None:
        self._take = take

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= _MOST:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 noted"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        body = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        to = "".join(f"Delivered-To: {recipient}\r\n" for recipient in envelope.rcpt_tos)
        path = f"Return-Path: <{envelope.mail_from or ''}>\r\n"
        try:
            await self._take((path + to).encode("utf-8", "replace") + (body or b""))
        except Transient as error:
            return f"451 4.3.0 not now: {error.reason}"
        return "250 2.0.0 taken"
