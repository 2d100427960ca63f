"""A Mail as the bytes that go over the wire (RFC 5322, pure ASCII)."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
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

KEY = "mail"
"""Under this name a mail's id goes along with it, and comes back in what a provider tells of it."""


class _Wire(EmailPolicy):
    """Leaves an ASCII header that fits on a line as it is, and does not take it apart either.

    The library's own folding turns a word longer than 78 characters, such as the address in
    List-Unsubscribe, into an encoded word, and mail boxes then find no address in it. Parsing each header
    costs more than all the rest of a mail.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        if isinstance(value, str) and _plain(name, value):
            return name, value
        return super().header_store_parse(name, value)

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        return value

    def fold(self, name: str, value: Any) -> str:
        if _plain(name, str(value)):
            return f"{name}: {value}{self.linesep}"
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii")


def _plain(name: str, value: str) -> bool:
    return len(name) + len(value) + 2 <= _LONGEST_LINE and bool(_PRINTABLE.fullmatch(value))


_POLICY = _Wire(linesep="\r\n", cte_type="7bit", raise_on_defect=True)


def as_bytes(mail: Mail, now: datetime) -> bytes:
    """Text first, HTML second; the same mail always has the same Message-ID.

    Raises AddressRefused when no mail can be addressed to the recipient, Permanent for a header that
    would break the message, such as one with a line break.
    """
    message = EmailMessage(policy=_POLICY)
    to = wire_address(mail.to)
    sender = _own_address(mail.sender)
    try:
        message["From"] = _from(mail.sender_name, sender)
        message["To"] = to
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = message_id(mail)
        if mail.reply_to:
            message["Reply-To"] = _own_address(mail.reply_to)
        for name, value in checked(mail.headers).items():
            message[name] = value
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message.as_bytes()
    except (ValueError, MessageError) as error:
        raise Permanent("bad_header", type(error).__name__) from error


def message_id(mail: Mail) -> str:
    """`<{mail.id}@{the sender's domain}>`; what a bounce or a reply refers to."""
    return f"<{mail.id}@{_own_address(mail.sender).rpartition('@')[2]}>"


def _from(name: str, address: str) -> str | Address:
    """As text where nothing in the name has to be encoded."""
    found = Address(name, addr_spec=address)
    return str(found) if name.isascii() else found


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
