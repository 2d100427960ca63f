"""A Mail as the bytes that go over the wire (RFC 5322, pure ASCII)."""

import re
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Iterable
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.policy import EmailPolicy, compat32
from email.utils import format_datetime
from typing import Any

from nurture.domain.errors import AddressRefused, Permanent
from nurture.ports import Mail

_LONGEST_LINE = 998
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_PRINTABLE = re.compile(r"[ -~]*")
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_OURS = {"from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id"}
_OURS |= {"mime-version", "return-path"}
_OURS_WITH = ("content-", "resent-")


class _Wire(EmailPolicy):
    """Leaves an ASCII header that fits on a line as it is.

    The library's own folding turns a word longer than 78 characters, such as the address in
    List-Unsubscribe, into an encoded word, and mail boxes then find no address in it.
    """

    def fold(self, name: str, value: Any) -> str:
        line = f"{name}: {value}"
        if len(line) <= _LONGEST_LINE and _PRINTABLE.fullmatch(line):
            return line + self.linesep
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii")


_POLICY = _Wire(linesep="\r\n", cte_type="7bit", raise_on_defect=True)
_BODY = compat32.clone(linesep="\r\n")

_READABLE = 6
"""Quoted-printable becomes the longer one once about a sixth of the bytes need three."""


def as_bytes(mail: Mail, now: datetime) -> bytes:
    """Text first, HTML second; the same mail always has the same Message-ID.

    Raises AddressRefused when no mail can be addressed to the recipient, Permanent for a header that
    would break the message, such as one with a line break.
    """
    to = wire_address(mail.to)
    sender = _own_address(mail.sender)
    try:
        head = [
            _line("From", Address(mail.sender_name, addr_spec=sender)),
            _line("To", Address(addr_spec=to)),
            _line("Subject", mail.subject),
            _line("Date", format_datetime(now)),
            _line("Message-ID", message_id(mail)),
        ]
        if mail.reply_to:
            head.append(_line("Reply-To", Address(addr_spec=_own_address(mail.reply_to))))
        head += [_line(name, value) for name, value in _checked(mail.headers.items())]
    except (ValueError, MessageError) as error:
        raise Permanent("bad_header", type(error).__name__) from error
    body = MIMEMultipart("alternative", None, [_part("plain", mail.text), _part("html", mail.html)])
    return "".join(head).encode("ascii") + body.as_bytes(policy=_BODY)


def _line(name: str, value: str | Address) -> str:
    """A header. Reading one takes the library most of a mail's time, so what is plain is not read."""
    if isinstance(value, str) and _PRINTABLE.fullmatch(value) and len(value) < _LONGEST_LINE // 2:
        return f"{name}: {value}\r\n"
    return _POLICY.fold(*_POLICY.header_store_parse(name, value))


def _part(kind: str, text: str) -> Message:
    part = Message()
    encoding, encoded = _encoded(text.splitlines())
    part["Content-Type"] = f'text/{kind}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = encoding
    part.set_payload(encoded.decode("ascii"))
    return part


def _encoded(lines: list[str]) -> tuple[str, bytes]:
    """As it is where that may pass, readable where most of it is ASCII, else short (RFC 2045, 6)."""
    raw = "\r\n".join([*lines, ""]).encode("utf-8")
    foreign = len(raw) - len(raw.decode("ascii", "ignore"))
    if not foreign and max(map(len, lines), default=0) <= _LONGEST_LINE:
        return "7bit", raw
    if foreign < len(raw) / _READABLE:
        return "quoted-printable", b2a_qp(raw)
    return "base64", encodebytes(raw)


def message_id(mail: Mail) -> str:
    """`<{mail.id}@{the sender's domain}>`; what a bounce or a reply refers to."""
    return f"<{mail.id}@{_own_address(mail.sender).rpartition('@')[2]}>"


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


def _own_address(address: str) -> str:
    """Ours, so a bad one is not the recipient's fault."""
    try:
        return wire_address(address)
    except AddressRefused as error:
        raise Permanent("bad_sender", address) from error


def _checked(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for name, value in headers:
        plain = name.lower()
        if not _HEADER_NAME.fullmatch(name) or plain in _OURS or plain.startswith(_OURS_WITH):
            raise Permanent("bad_header", "a header that is not free to be set")
        if not _PRINTABLE.fullmatch(value) or len(name) + len(value) + 2 > _LONGEST_LINE:
            raise Permanent("bad_header", f"{name} is not one line of ASCII")
        yield name, value
