"""The bounce mailbox, over IMAP: unread mails are looked at, and marked as read once they are dealt with."""

import asyncio
import base64
import imaplib
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from nurture.domain.errors import Transient

_PRINTABLE = re.compile(r"[\x20-\x7e]*")

_AT_ONCE = 50
_SECONDS = 30
_LARGEST = 2 * 1024 * 1024
"""Bytes fetched of one mail; a report names what it is about long before."""


@dataclass(frozen=True)
class Imap:
    """Implements `nurture.mail.mailbox.Source`. `tls` is "tls", "starttls" or "none".

    The library blocks, so each conversation runs in a thread of its own.
    """

    host: str
    port: int
    user: str
    password: str
    tls: str = "tls"
    folder: str = "INBOX"

    async def look(self, take: Callable[[bytes], Awaitable[None]]) -> int:
        """Hand every unread mail to `take`, at most 50 at a time; how many. One for which `take` raises stays
        unread. Raises Transient when the mailbox cannot be reached."""
        try:
            found = await asyncio.to_thread(self._unread)
            done: list[bytes] = []
            try:
                for number, raw in found:
                    await take(raw)
                    done.append(number)
            finally:
                if done:
                    await asyncio.to_thread(self._mark_read, done)
        except (imaplib.IMAP4.error, OSError) as error:
            raise Transient("no_mailbox", f"{type(error).__name__} at {self.host}") from error
        return len(found)

    def _unread(self) -> list[tuple[bytes, bytes]]:
        """UIDs and mails; looking does not mark them."""
        talk = self._open()
        try:
            numbers = talk.uid("SEARCH", "UNSEEN")[1][0] or b""
            found = []
            for number in numbers.split()[:_AT_ONCE]:
                answer = talk.uid("FETCH", number.decode(), f"(BODY.PEEK[]<0.{_LARGEST}>)")[1]
                found += [(number, part[1]) for part in answer if isinstance(part, tuple)]
            return found
        finally:
            _leave(talk)

    def _mark_read(self, numbers: list[bytes]) -> None:
        talk = self._open()
        try:
            talk.uid("STORE", b",".join(numbers).decode(), "+FLAGS", "(\\Seen)")
        finally:
            _leave(talk)

    def _open(self) -> imaplib.IMAP4:
        make = imaplib.IMAP4_SSL if self.tls == "tls" else imaplib.IMAP4
        talk = make(self.host, self.port, timeout=_SECONDS)
        try:
            if self.tls == "starttls":
                talk.starttls()
            self._log_in(talk)
            answer, told = talk.select(_quoted(self.folder))
            if answer != "OK":
                raise imaplib.IMAP4.error(told)
        except BaseException:
            _leave(talk)
            raise
        return talk

    def _log_in(self, talk: imaplib.IMAP4) -> None:
        """LOGIN takes ASCII only; PLAIN takes every letter (RFC 4616)."""
        if _PRINTABLE.fullmatch(self.user + self.password):
            talk.login(self.user, self.password)
        else:
            talk.authenticate("PLAIN", lambda _: f"\0{self.user}\0{self.password}".encode())


def _quoted(folder: str) -> str:
    """A folder as IMAP has it: letters beyond ASCII in modified UTF-7 (RFC 3501, 5.1.3). What is all ASCII may be that
    already, and stays."""
    if not _PRINTABLE.fullmatch(folder):
        folder = re.sub(r"[^\x20-\x7e]+", _shifted, folder.replace("&", "&-"))
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _shifted(letters: re.Match[str]) -> str:
    code = base64.b64encode(letters[0].encode("utf-16-be"), b"+,").decode().rstrip("=")
    return f"&{code}-"


def _leave(talk: imaplib.IMAP4) -> None:
    with suppress(imaplib.IMAP4.error, OSError):
        talk.logout()
