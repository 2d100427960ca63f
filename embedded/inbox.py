"""The local mail inbox: a real SMTP server that keeps what it is given, and pages to read it."""

from pathlib import Path

from embedded.inbox_pages import application
from embedded.mailbox import Mailbox
from embedded.serving import Site
from nurture.delivery.feedback.listener import Listener
from nurture.domain.errors import StartError, Transient

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
        self._post = Listener(host, smtp_port, self._keep, "NURTURE_SMTP_PORT", _LARGEST)
        self._pages = Site(
            application(self.mailbox, bounce_port), host, http_port, "NURTURE_INBOX_PORT"
        )

    @property
    def smtp_port(self) -> int:
        """Where mails are taken."""
        return self._post.port

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
            await self._post.start()
        except StartError:
            await self._pages.stop()
            raise

    async def stop(self) -> None:
        await self._post.stop()
        await self._pages.stop()

    async def _keep(self, raw: bytes) -> None:
        """Returns when the mail is on disk."""
        try:
            self.mailbox.add(raw)
        except OSError as error:
            raise Transient("cannot_keep_the_mail", error.strerror or "") from error
