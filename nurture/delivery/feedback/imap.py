"""The bounce mailbox, over IMAP: unread mails are looked at, and marked as read once they are dealt with."""

import asyncio
import imaplib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from nurture.domain.errors import Transient

_AT_ONCE = 50
_SECONDS = 30
_LARGEST = 2 * 1024 * 1024
"""Bytes fetched of one mail; a report names what it is about long before."""


@dataclass(frozen=True)
class Imap:
    """Implements `nurture.mailbox.Source`. `tls` is "tls", "starttls" or "none".

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
            talk.login(self.user, self.password)
            answer, told = talk.select(f'"{self.folder}"')
            if answer != "OK":
                raise imaplib.IMAP4.error(told)
        except BaseException:
            _leave(talk)
            raise
        return talk


def _leave(talk: imaplib.IMAP4) -> None:
    with suppress(imaplib.IMAP4.error, OSError):
        talk.logout()
