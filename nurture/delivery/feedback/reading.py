"""What the readers of all providers need: names of mails, times, reasons without addresses."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol

from nurture.delivery.email import replies
from nurture.domain.errors import InputError, MailboxFull
from nurture.domain.feedback import Event, Kind

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LONGEST_REASON = 200
_LONGEST_NAME = 300
_MOST_NAMES = 20
_REFUSED = 550
_CLOCKS_DIFFER = timedelta(minutes=5)


class Forged(InputError):
    """The call is not from whom it says, or nobody can tell."""


class Provider(Protocol):
    async def hear(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Event]:
        """What a genuine call says. `headers` have lower-case names. Raises Forged for any other, and
        InputError for a genuine one that cannot be read."""
        ...


def parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("the body is not JSON") from error


def envelope(body: bytes) -> Mapping[str, Any]:
    """The object that holds the signature: until that is checked, anything wrong with it is a stranger's."""
    try:
        return mapping(parse(body), "body")
    except InputError as error:
        raise Forged(str(error)) from error


def mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError("must be an object", place)
    return value


def within(value: Any, *path: str) -> Any:
    """What stands at the end of the path; None where it breaks off."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def word(value: Any) -> str:
    return storable(value).strip() if isinstance(value, str) else ""


def reason(*parts: Any) -> str:
    """Short, on one line, and without addresses: it is shown, logged and counted."""
    texts = [str(part) for part in parts if isinstance(part, str | int) and part != ""]
    return storable(replies.without_addresses(": ".join(texts)))[:_LONGEST_REASON]


def bounce(*told: Any) -> Kind:
    """What a provider gave up for good, by the codes and words of the server that refused it: they know of a full
    mailbox and of a policy even where the provider's own classes do not."""
    text = " ".join(str(part) for part in _texts(told))
    error = replies.of_message(_REFUSED, text)
    passing = isinstance(error, MailboxFull) or error.reason == "policy"
    return Kind.SOFT_BOUNCE if passing else Kind.HARD_BOUNCE


def names(*values: Any) -> tuple[str, ...]:
    """All names that a mail may have in these texts, lists and mappings: as it stands, without its angle
    brackets, and what stands before the @ of a Message-ID, which is our own key."""
    found: dict[str, None] = {}
    for text in _texts(values):
        bare = storable(text).strip().strip("<>")
        for name in (bare, f"<{bare}>", bare.partition("@")[0]):
            if bare and len(bare) <= _LONGEST_NAME:
                found[name] = None
    return tuple(found)[: 3 * _MOST_NAMES]


def moment(value: Any, now: datetime, per_second: int = 1) -> datetime:
    """Seconds since 1970 (or parts of them), or ISO 8601; `now` for what is neither, or lies ahead."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            at = datetime.fromisoformat(value.replace(" UTC", "+00:00"))
            at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
        else:
            at = datetime.fromtimestamp(float(value) / per_second, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return now
    return min(at, now)


def require_fresh(told: str, now: datetime, good_for: timedelta) -> None:
    """`told`: when it was signed, in seconds since 1970 or as ISO 8601. Raises Forged for a signature older than
    that, which somebody may have kept, and for one of the future."""
    try:
        seconds = told.isascii() and told.isdecimal()
        at = datetime.fromtimestamp(int(told), UTC) if seconds else datetime.fromisoformat(told)
        fresh = now - good_for <= at <= now + _CLOCKS_DIFFER
    except (
        ValueError,
        TypeError,
        OverflowError,
        OSError,
    ) as error:  # no time, or one without a zone
        raise Forged("the signature does not say when it was made") from error
    if not fresh:
        raise Forged("the signature is too old, or of the future")


def digest(value: Any) -> str:
    """An id for an event that has none: the same content is the same event."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def raw(value: Any) -> str:
    return storable(json.dumps(value, ensure_ascii=False))


def storable(text: str) -> str:
    """What every database can keep: NUL and half characters become U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def _texts(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from _texts(value)
        elif isinstance(value, dict):
            yield from _texts(value.values())
