"""The local mail inbox: a real SMTP server that keeps what it is given, and pages to read it."""

import asyncio
from pathlib import Path
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

from embedded.inbox_pages import application
from embedded.mailbox import Mailbox
from embedded.serving import Site
from nurture.domain.errors import StartError

_LARGEST = 25 * 2**20


class Inbox:
    """Mails go to `data_dir`/inbox, one .eml file each, and are there again after a restart."""

    def __init__(
        self,
        data_dir: Path,
        smtp_port: int,
        http_port: int,
        host: str = "127.0.0.1",
        bounce_port: int = 0,
    ) -> None:
        """`bounce_port`: where what the receiver says of a mail is delivered; 0: nobody listens."""
        self._folder = data_dir / "inbox"
        self.mailbox = Mailbox(self._folder)
        self.smtp_port = smtp_port
        self._host = host
        self._pages = Site(
            application(self.mailbox, bounce_port), host, http_port, "NURTURE_INBOX_PORT"
        )
        self._server: asyncio.Server | None = None
        self._talks: WeakSet[SMTP] = WeakSet()

    @property
    def url(self) -> str:
        return self._pages.url

    async def start(self) -> None:
        """Returns when mail is taken. Raises StartError for a taken port or an unusable folder."""
        try:
            self.mailbox.open()
        except OSError as error:
            raise StartError(
                f"the inbox cannot use {self._folder}: {error.strerror};"
                " NURTURE_DATA_DIR names another folder"
            ) from error
        await self._pages.start()
        try:
            self._server = await self._listen()
        except OSError as error:
            await self._pages.stop()
            raise StartError(
                f"NURTURE_SMTP_PORT: port {self.smtp_port} cannot be used: {error.strerror}"
            ) from error
        self.smtp_port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """A mailer that keeps its connection open is not waited for."""
        if self._server:
            self._server.close()
        for talk in self._talks:
            if talk.transport:
                talk.transport.close()
        await self._pages.stop()

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        handler = _Handler(self.mailbox)

        def talk() -> SMTP:
            made = SMTP(handler, data_size_limit=_LARGEST, ident="nurture inbox", loop=loop)
            self._talks.add(made)
            return made

        return await loop.create_server(talk, self._host, self.smtp_port)


class _Handler:
    """What aiosmtpd calls; the method's name is its protocol."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Answers only when the mail is on disk."""
        content = envelope.content
        body = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        received = [f"Return-Path: <{envelope.mail_from}>"]
        received += [f"Delivered-To: {recipient}" for recipient in envelope.rcpt_tos]
        trace = "".join(f"{line}\r\n" for line in received).encode("utf-8")
        try:
            summary = self._mailbox.add(trace + (body or b""))
        except OSError as error:
            return f"452 4.3.1 cannot keep the mail: {error.strerror}"
        return f"250 2.0.0 kept as {summary.id}"
