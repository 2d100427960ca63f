"""A Mail as the bytes that go over the wire (RFC 5322, pure ASCII).

Its shape is always the same, a text and an HTML, so the bytes are put together here at once: a tree of the library's
objects, flattened line by line, costs several times as much as sending them.
"""

import re
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Mapping
from datetime import datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime, formataddr
from functools import lru_cache
from secrets import token_hex

from nurture.domain.errors import AddressRefused, Permanent
from nurture.ports import Mail

_LONGEST_LINE = 998
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_PRINTABLE = re.compile(r"[ -~]*")
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_OURS = {"from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id"}
_OURS |= {"mime-version", "return-path"}
_OURS_WITH = ("content-", "resent-")

KEY = "mail"
"""Under this name a mail's id goes along with it, and comes back in what a provider tells of it."""


_CRLF = "\r\n"
_READABLE = 6
"""Quoted-printable becomes the longer one once about a sixth of the bytes need three."""


def _plain(name: str, value: str) -> bool:
    return len(name) + len(value) + 2 <= _LONGEST_LINE and bool(_PRINTABLE.fullmatch(value))


def as_bytes(mail: Mail, now: datetime) -> bytes:
    """Text first, HTML second; the same mail always has the same Message-ID.

    Raises AddressRefused when no mail can be addressed to the recipient, Permanent for a header that
    would break the message, such as one with a line break.
    """
    to = wire_address(mail.to)
    sender = _own_address(mail.sender)
    try:
        head = [
            _from(mail.sender_name, sender),
            _line("To", to),
            _line("Subject", mail.subject),
            _line("Date", format_datetime(now)),
            _line("Message-ID", message_id(mail)),
        ]
        if mail.reply_to:
            head.append(_line("Reply-To", _own_address(mail.reply_to)))
        head += [_line(name, value) for name, value in checked(mail.headers).items()]
    except (ValueError, MessageError) as error:
        raise Permanent("bad_header", type(error).__name__) from error
    return "".join(head).encode("ascii") + _body(mail)


def _body(mail: Mail) -> bytes:
    """ "=_" stands in no encoded text, and nobody guesses the rest (RFC 2046, 5.1.1)."""
    boundary = f"=_{token_hex(16)}"
    kind = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n'
    between = f"\r\n--{boundary}".encode()
    text, html = _part("plain", mail.text), _part("html", mail.html)
    return b"".join((kind.encode(), between, text, between, html, between, b"--\r\n"))


@lru_cache(64)
def _from(name: str, address: str) -> str:
    return _line("From", formataddr((name, address), "utf-8"))


def _line(name: str, value: str) -> str:
    """A header. One that is ASCII and fits on a line stays as it is: folded by the library, a word longer than 78
    characters, such as the address in List-Unsubscribe, becomes an encoded word in which mail boxes find no
    address. Raises ValueError for a line break."""
    if _plain(name, value):
        return f"{name}: {value}\r\n"
    if "\r" in value or "\n" in value:
        raise ValueError("a line break in a header")
    return f"{name}: {Header(value, 'utf-8', header_name=name).encode(linesep=_CRLF)}\r\n"


def _part(kind: str, text: str) -> bytes:
    """Beginning with the end of the boundary's line."""
    encoding, encoded = _encoded(text.splitlines())
    head = (
        f'\r\nContent-Type: text/{kind}; charset="utf-8"'
        f"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + encoded


def _encoded(lines: list[str]) -> tuple[str, bytes]:
    """As it is where that may pass, readable where most of it is ASCII, else short (RFC 2045, 6)."""
    raw = "\r\n".join([*lines, ""]).encode("utf-8")
    foreign = len(raw) - len(raw.decode("ascii", "ignore"))
    if not foreign and max(map(len, lines), default=0) <= _LONGEST_LINE:
        return "7bit", raw
    if foreign < len(raw) / _READABLE:
        return "quoted-printable", b2a_qp(raw)
    return "base64", encodebytes(raw).replace(b"\n", b"\r\n")


def message_id(mail: Mail) -> str:
    """`<{mail.id}@{the sender's domain}>`; what a bounce or a reply refers to."""
    return f"<{mail.id}@{_own_address(mail.sender).rpartition('@')[2]}>"


def mailbox(name: str, address: str) -> str:
    """`Courses <courses@x-education.example>`, with quotes where the name needs them."""
    return str(Address(name, addr_spec=_own_address(address)))


def envelope_sender(mail: Mail) -> str:
    """Where mail systems send back what they cannot deliver."""
    return wire_address((mail.return_path or mail.sender).replace("{mail}", mail.id))


def wire_address(address: str) -> str:
    """The address with its domain in ASCII. Raises AddressRefused when there is no such form."""
    local, _, domain = address.rpartition("@")
    try:
        found = f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError as error:
        raise AddressRefused("bad_address") from error
    if not _MAILBOX.fullmatch(found):
        raise AddressRefused("bad_address")
    return found


@lru_cache(64)
def _own_address(address: str) -> str:
    """Ours, so a bad one is not the recipient's fault."""
    try:
        return wire_address(address)
    except AddressRefused as error:
        raise Permanent("bad_sender", address) from error


def checked(headers: Mapping[str, str]) -> dict[str, str]:
    """As they are, on one line each. Raises Permanent for one that would not arrive as it is written."""
    for name, value in headers.items():
        plain = name.lower()
        if not _HEADER_NAME.fullmatch(name) or plain in _OURS or plain.startswith(_OURS_WITH):
            raise Permanent("bad_header", "a header that is not free to be set")
        if not _plain(name, value):
            raise Permanent("bad_header", f"{name} is not one line of ASCII")
    return dict(headers)
