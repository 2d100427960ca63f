"""Mail through an SMTP server, over a few connections that are kept open."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from nurture.delivery.email import mime, replies, signing
from nurture.delivery.exchange import UNTIL_REPAIRED
from nurture.domain.errors import DeliveryError, Transient, Unknown
from nurture.ports import Mail

_BROKEN = (SMTPException, OSError)
_START_INPUT = 354
_COMPLETED = 250
_RECIPIENT_TAKEN = (_COMPLETED, 251)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class _Connection:
    client: SMTP
    sent: int = 0
    used_at: float = 0.0


class SmtpMailer:
    known_for = timedelta()

    """Implements ports.Mailer. `tls` is "none", "starttls" (demanded, not just offered) or "tls".

    At most `connections` mails are under way at once, of those `per_domain` to one domain; a connection is
    renewed after `per_connection` mails, and asked whether it still lives after `idle` seconds of rest.
    `timeout` is in seconds, for each answer of the server. `dkim_key` signs the mails that ask for it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        user: str = "",
        password: str = "",
        tls: str = "none",
        *,
        dkim_key: bytes = b"",
        timeout: float = 30.0,
        connections: int = 4,
        per_domain: int | None = None,
        per_connection: int = 100,
        idle: float = 30.0,
        tls_context: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._host, self._port = host, port
        self._user, self._password = user, password
        self._tls, self._tls_context = tls, tls_context
        self._dkim_key = dkim_key
        self._timeout = timeout
        self._per_connection = per_connection
        self._idle = idle
        self._now = now
        self._slots = asyncio.Semaphore(connections)
        self._per_domain = per_domain or connections
        self._domains: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._resting: list[_Connection] = []

    async def send(self, mail: Mail) -> str:
        """Hand the mail over; its Message-ID. Raises Permanent, AddressRefused, Transient, or Unknown
        when the connection broke after the whole message had gone out."""
        payload = mime.as_bytes(mail, self._now())
        if mail.dkim:
            payload = signing.signed(payload, mail.dkim, self._dkim_key)
        recipient = mime.wire_address(mail.to)
        async with self._turn(recipient), self._slots, self._connection() as client:
            await _announce(client, mail.id, mime.envelope_sender(mail), recipient, len(payload))
            await _hand_over(client, payload)
        return mime.message_id(mail)

    def _turn(self, recipient: str) -> asyncio.Semaphore:
        """One of the recipient's domain, which is forgotten when nobody uses it."""
        domain = recipient.rpartition("@")[2].lower()
        found = self._domains.get(domain) or asyncio.Semaphore(self._per_domain)
        self._domains[domain] = found
        return found

    async def close(self) -> None:
        """Take leave of the server on every resting connection."""
        while self._resting:
            await _leave(self._resting.pop().client)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[SMTP]:
        """A connection for one mail. It goes on being used after a refusal, never after a break."""
        connection = await self._rested() or _Connection(await self._connect())
        client = connection.client
        try:
            yield client
        except DeliveryError:
            if not await _answers(client.rset):
                client.close()
            raise
        except BaseException:  # cancelled in the middle of a command
            client.close()
            raise
        finally:
            connection.sent += 1
            await self._put_back(connection)

    async def _rested(self) -> _Connection | None:
        while self._resting:
            found = self._resting.pop()
            rest = asyncio.get_running_loop().time() - found.used_at
            if found.client.is_connected and (
                rest < self._idle or await _answers(found.client.noop)
            ):
                return found
            found.client.close()
        return None

    async def _put_back(self, connection: _Connection) -> None:
        if not connection.client.is_connected:
            return
        if connection.sent >= self._per_connection:
            await _leave(connection.client)
            return
        connection.used_at = asyncio.get_running_loop().time()
        self._resting.append(connection)

    async def _connect(self) -> SMTP:
        client = SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user or None,
            password=self._password or None,
            use_tls=self._tls == "tls",
            start_tls=self._tls == "starttls",
            tls_context=self._tls_context,
            timeout=self._timeout,
        )
        try:
            await client.connect()
            await _greet(client)
        except SMTPAuthenticationError as error:
            client.close()
            text = replies.detail(error.code, error.message)
            raise Transient("login_refused", text, UNTIL_REPAIRED) from error
        except _BROKEN as error:
            client.close()
            raise Transient("no_connection", str(error)) from error
        except UnicodeError as error:  # the host is no name, or the password no text
            client.close()
            raise Transient("no_connection", type(error).__name__, UNTIL_REPAIRED) from error
        return client


async def _greet(client: SMTP) -> None:
    """Unless it had to be done for TLS or the login. An old server refuses EHLO, and is greeted by HELO."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except SMTPHeloError:
            await client.helo()


async def _announce(client: SMTP, mail_id: str, sender: str, recipient: str, size: int) -> None:
    """Up to here the server has nothing of the mail, so every break may be tried again.

    Where it can, it hears the size beforehand (RFC 1870), and we ask for the id in notices of failure, and for those of
    failure only (RFC 3461). The addresses have been checked; the library's own methods would take them apart again.
    """
    try:
        notices = client.supports_extension("dsn")
        whence = f"FROM:<{sender}>"
        if client.supports_extension("size"):
            whence += f" SIZE={size}"
        if notices:
            whence += f" RET=HDRS ENVID={mail_id}"
        answer = await client.execute_command(b"MAIL", whence.encode())
        if answer.code != _COMPLETED:
            raise replies.of_sender(answer.code, answer.message)
        whither = f"TO:<{recipient}>" + (" NOTIFY=FAILURE" if notices else "")
        answer = await client.execute_command(b"RCPT", whither.encode())
        if answer.code not in _RECIPIENT_TAKEN:
            raise replies.of_recipient(answer.code, answer.message)
        answer = await client.execute_command(b"DATA")
    except SMTPResponseException as error:  # an answer that is none
        raise replies.of_message(error.code, error.message) from error
    except _BROKEN as error:
        client.close()
        raise Transient("connection_lost", type(error).__name__) from error
    if answer.code != _START_INPUT:
        raise replies.of_message(answer.code, answer.message)


async def _hand_over(client: SMTP, payload: bytes) -> None:
    """From the first byte on, only the server's answer tells what became of the mail."""
    protocol = client.protocol
    try:
        if protocol is None:
            raise SMTPServerDisconnected("closed after DATA")
        protocol.write(_dotted(payload))
        answer = await protocol.read_response(client.timeout)
    except _BROKEN as error:
        client.close()
        raise Unknown("connection_lost", type(error).__name__) from error
    if answer.code != _COMPLETED:
        raise replies.of_message(answer.code, answer.message)


def _dotted(payload: bytes) -> bytes:
    """With the leading dots doubled and the end marked (RFC 5321, 4.5.2)."""
    return (b"\r\n" + payload).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


async def _answers(command: Callable[[], Awaitable[object]]) -> bool:
    try:
        await command()
    except _BROKEN:
        return False
    return True


async def _leave(client: SMTP) -> None:
    with suppress(*_BROKEN):
        await client.quit()
    client.close()
