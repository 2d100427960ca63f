"""What a mail in the bounce mailbox tells: delivery reports (RFC 3464), reports of spam (RFC 5965), and the
free texts of servers that know neither.

Anybody can write to that mailbox. So only the mail counts that is named, by an id that nobody can guess, and
never the address that is named.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import Compat32
from email.utils import parsedate_to_datetime
from hashlib import sha256

from nurture.delivery.email import replies
from nurture.delivery.feedback import reading
from nurture.domain.errors import AddressRefused
from nurture.domain.feedback import Event, Kind

_KEY = re.compile(
    r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})", re.I
)
_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?![\d.])")
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_DAEMON = re.compile(r"mailer-daemon|postmaster|mail delivery (sub)?system|microsoft outlook", re.I)
_DELAYED = re.compile(r"delay|warning|still being retried|not yet", re.I)
_ACTIONS = {
    "delayed": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "relayed": Kind.ACCEPTED,
    "expanded": Kind.ACCEPTED,
}
_SPAM = {
    "abuse": Kind.COMPLAINED,
    "fraud": Kind.COMPLAINED,
    "other": Kind.COMPLAINED,
    "opt-out": Kind.UNSUBSCRIBED,
    "opt-out-list": Kind.UNSUBSCRIBED,
}
"""Not-spam, virus and auth-failure say nothing against us in the reader's name."""

_MULTIPART = re.compile(rb"(?:\A|[\r\n])content-type:\s*multipart/", re.I)
"""To what reads a mail, a CR on its own ends a line, too."""

_READ = 128 * 1024
"""Bytes that are looked at: what a report says comes before the mail that it returns."""
_LEVELS = 20
"""Mails in parts. Each line is held against the boundaries of all parts that are open."""
_FIELD = 4 * 1024
"""Letters of a field. To look for its parameters takes the square of its length."""
_LINE = 1000
"""RFC 5322, 2.1.1."""
_KEPT = 32 * 1024
_MOST_KEYS = 40


class _Brief(Compat32):
    """The library's own way to read, with an end to every field."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_FIELD]


_BRIEF = _Brief()


def read(raw: bytes, now: datetime) -> list[Event]:
    """At most one event; none for an answer, an out-of-office or anything else. Total: no mail is too odd, and none
    takes longer than a second."""
    begin = raw[:_READ]
    if len(_MULTIPART.findall(begin)) > _LEVELS:
        return []
    try:
        message = message_from_bytes(begin, policy=_BRIEF)
        parts = list(message.walk())[:100]
    except RecursionError:  # mails within mails, deeper than any report
        return []
    found = _spam(parts) or _report(parts) or _free_text(message, parts)
    if found is None:
        return []
    kind, reason = found
    event = Event(
        id=_id(message, raw, kind),
        kind=kind,
        at=_date(message, now),
        mails=_keys(message, parts),
        reason=reading.reason(reason),
        raw=reading.storable(raw[:_KEPT].decode("utf-8", "replace")),
    )
    return [event]


def _spam(parts: Sequence[Message]) -> tuple[Kind, str] | None:
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            for fields in _blocks(part):
                told = _field(fields, "Feedback-Type").lower()
                if told in _SPAM:
                    return _SPAM[told], told
    return None


def _report(parts: Sequence[Message]) -> tuple[Kind, str] | None:
    """The first recipient's fate: our mails have only one."""
    for part in parts:
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            for fields in _blocks(part):
                action = _field(fields, "Action").lower().split(" ")[0]
                status = _field(fields, "Status").split(" ")[0]
                diagnosis = _field(fields, "Diagnostic-Code").partition(";")[2].strip()
                if action == "failed":
                    return _failed(status, diagnosis), f"{status} {diagnosis}".strip()
                if action in _ACTIONS:
                    return _ACTIONS[action], f"{status} {diagnosis}".strip()
    return None


def _failed(status: str, diagnosis: str) -> Kind:
    """For good only when the address itself is bad."""
    if status.startswith("4"):
        return Kind.SOFT_BOUNCE
    code = _CODE.search(diagnosis)
    error = replies.of_recipient(int(code[1]) if code else 500, f"{status} {diagnosis}")
    return Kind.HARD_BOUNCE if isinstance(error, AddressRefused) else Kind.SOFT_BOUNCE


def _free_text(message: Message, parts: Sequence[Message]) -> tuple[Kind, str] | None:
    """A server's own words, when it is a server that speaks and it names a reply code."""
    if not _DAEMON.search(_field(message, "From")):
        return None
    if _DELAYED.search(_field(message, "Subject")):
        return Kind.DEFERRED, ""
    for part in parts:
        if part.get_content_type() != "text/plain":
            continue
        for line in (each[:_LINE] for each in _text(part).splitlines()[:200]):
            code, enhanced = _CODE.search(line), _ENHANCED.search(line)
            if code or enhanced:
                status = enhanced[1] if enhanced else f"{code[1][0]}.0.0" if code else ""
                return _failed(status, line), line.strip()
    return None


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields in a report; a part that a server sent as plain text is read as one."""
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (part for part in payload[:20] if isinstance(part, Message))
    else:
        text = _text(part)
        yield from (
            message_from_bytes(group.encode(), policy=_BRIEF) for group in text.split("\n\n")[:20]
        )


def _keys(message: Message, parts: Sequence[Message]) -> tuple[str, ...]:
    """Everything that may be the key of one of our mails: in the address it came to, in what it answers, and
    in the returned mail itself."""
    texts = [str(value) for _, value in message.items()]
    for part in parts:
        texts += [str(value) for _, value in part.items()]
        if not part.is_multipart():
            texts.append(_text(part))
    found: dict[str, None] = {}
    for text in texts:
        for match in _KEY.finditer(text[:_KEPT]):
            found["-".join(match.groups()).lower()] = None
            if len(found) >= _MOST_KEYS:
                return tuple(found)
    return tuple(found)


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    return raw.decode("utf-8", "replace").replace("\r\n", "\n")


def _field(message: Message, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _id(message: Message, raw: bytes, kind: Kind) -> str:
    """A report fetched twice is one; its own Message-ID alone would let a stranger hide another's."""
    told = _field(message, "Message-ID") + _field(message, "Date") + kind
    return sha256(told.encode("utf-8", "replace") + b"\n" + raw[-_KEPT:]).hexdigest()


def _date(message: Message, now: datetime) -> datetime:
    try:
        at = parsedate_to_datetime(_field(message, "Date"))
        return min(at.astimezone(now.tzinfo), now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return now
