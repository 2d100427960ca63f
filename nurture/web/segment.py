"""Segment's messages, as its HTTP API and the SDKs of Segment and RudderStack send them, made `Incoming`.

Pure. Wire format: segment.com/docs/connections/sources/catalog/libraries/server/http-api, and what the
SDKs were seen to send: ids may be null, "" or numbers; RudderStack says `originalTimestamp` and keeps
traits in `context`; messages of one visitor arrive in any order and more than once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from nurture.domain import cases, orders
from nurture.domain.consent import PURPOSES, ConsentRecord
from nurture.domain.errors import InputError
from nurture.incoming import Incoming
from nurture.web import traits
from nurture.web.payload import bound, clean, legible, packed
from nurture.web.traits import snake_case

MESSAGE_BYTES = 32 * 1024
BATCH_BYTES = 500 * 1024
BATCH_MESSAGES = 2500

LONGEST_ID = 255
LONGEST_MESSAGE_ID = 100
AHEAD = timedelta(minutes=5)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

_ONLY_OURS = frozenset(
    {
        "opened",
        "clicked",
        "unsubscribed",
        "resubscribed",
        "consent_requested",
        "consent_confirmed",
        "mails_paused",
        "bounced",
        "complained",
        "identified",
        "page",
        "screen",
    }
)
"""Touches a track call cannot claim: a shop's or a website's "Clicked" is not a click in a mail of ours."""

_CONSENT_EVENT = "segment_consent_preference_updated"
_CATEGORIES = {"advertising": "ad_audiences", "analytics": "tracking"}


@dataclass(frozen=True)
class Origin:
    """Of one request. A trusted source may grant consent and is believed about its clock."""

    source: str
    trusted: bool
    received_at: datetime


@dataclass(frozen=True)
class Refused:
    """A message that cannot be used, and why. `raw` is its JSON."""

    message_id: str
    reason: str
    raw: str


@dataclass(frozen=True)
class Parsed:
    messages: tuple[Incoming, ...] = ()
    refused: tuple[Refused, ...] = ()


def unpack(body: Any) -> list[Any]:
    """The messages of a batch, with what was said once for all of them put under what each says."""
    batch = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(batch, list):
        raise InputError("batch: must be a list of messages")
    if len(batch) > BATCH_MESSAGES:
        raise InputError(f"batch: holds {len(batch)} messages, at most {BATCH_MESSAGES} are taken")
    shared = {key: body[key] for key in ("sentAt", "timestamp", "integrations") if key in body}
    context = body.get("context")
    if not shared and context is None:
        return batch
    return [_under(shared, context, message) for message in batch]


def parse(messages: Sequence[Any], origin: Origin) -> Parsed:
    """Each message by itself: one that cannot be used does not keep its neighbours out."""
    taken, refused = [], []
    for number, message in enumerate(messages):
        try:
            taken.append(_incoming(message, number, origin))
        except InputError as error:
            name, reason = clean(_name(message)), clean(str(error))
            refused.append(Refused(name, reason, _raw(message)))
    return Parsed(tuple(taken), tuple(refused))


def corrected(original: datetime, sent: datetime, received: datetime) -> datetime:
    """When it happened on our clock: the client's clock only tells how long before sending."""
    return received - (sent - original)


def _under(shared: Mapping[str, Any], context: Any, message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    own = message.get("context")
    if isinstance(context, dict) and (own is None or isinstance(own, dict)):
        return {**shared, **message, "context": {**context, **(own or {})}}
    return {**shared, **message}


def _incoming(message: Any, number: int, origin: Origin) -> Incoming:
    if not isinstance(message, dict):
        raise InputError("must be an object")
    text = packed(message)
    if len(text) > MESSAGE_BYTES:
        raise InputError(f"larger than {MESSAGE_BYTES // 1024} KB")
    given, message = message, legible(message, text)
    context = _object(message, "context")
    kind = message.get("type")
    touch, properties = _touch(kind, message, context, origin.trusted)
    known, email = traits.of(kind, message, context)
    bound(properties, "properties")
    bound(known, "traits")
    at = _at(message, origin)
    user, anonymous = _id(message, "userId"), _id(message, "anonymousId")
    previous = _previous(message, user) if kind == "alias" else None
    if not (user or anonymous or email):
        raise InputError("userId or anonymousId: one of them is needed")
    return Incoming(
        message_id=_id(message, "messageId", LONGEST_MESSAGE_ID) or _made_id(given, number, origin),
        at=at,
        anonymous_id=anonymous,
        user_id=user,
        previous_id=previous,
        email=email,
        touch=touch,
        properties=properties,
        traits=known,
        consents=_consents(touch, kind, context, origin, at),
        trusted=origin.trusted,
    )


def _touch(
    kind: Any, message: Mapping[str, Any], context: Mapping[str, Any], trusted: bool
) -> tuple[str | None, dict[str, Any]]:
    """The touch's name and its properties; no name for messages that only say who somebody is."""
    match kind:
        case "track":
            return _tracked(message, trusted)
        case "page" | "screen":
            return str(kind), traits.page(message, _object(message, "properties"), context)
        case "group":
            if not _id(message, "groupId"):
                raise InputError("groupId: is needed for group")
            return None, {}
        case "identify" | "alias":
            return None, {}
        case _:
            raise InputError("type: must be identify, track, page, screen, group or alias")


def _tracked(message: Mapping[str, Any], trusted: bool) -> tuple[str, dict[str, Any]]:
    event, properties = _event(message, trusted), _object(message, "properties")
    if trusted:
        _check(event, properties)
    return event, properties


def _check(event: str, properties: Mapping[str, Any]) -> None:
    """Whether a touch that means something for the business says what it takes. Raises InputError."""
    product, amount = properties.get("product"), orders.amount(properties)
    currency = orders.currency(properties)
    if event in (cases.OPENED, cases.CLOSED) and not (isinstance(product, str) and product):
        raise InputError("must be the product's name", "properties.product")
    if event == orders.COMPLETED and amount is None:
        raise InputError("is needed, or total, or revenue", "properties.amount")
    if event == orders.COMPLETED and not orders.is_amount(amount):
        raise InputError(f"must be a number from 0 to {orders.LARGEST}", "properties.amount")
    if event == orders.COMPLETED and currency is not None and not orders.is_currency(currency):
        raise InputError("must be three letters such as DKK", "properties.currency")


def _event(message: Mapping[str, Any], trusted: bool) -> str:
    event = message.get("event")
    if not isinstance(event, str) or not event.strip():
        raise InputError("event: must be a text that is not empty")
    name = snake_case(event)
    if not name or len(name) > LONGEST_ID:
        raise InputError(f"event: needs letters or digits, at most {LONGEST_ID}")
    if name == "unsubscribed" and trusted:  # as a touch alone it would stop no mail
        raise InputError(
            "Unsubscribed takes no consent back; identify with context.consent does", "event"
        )
    return f"track_{name}" if name in _ONLY_OURS else name


def _previous(message: Mapping[str, Any], user: str | None) -> str:
    previous = _id(message, "previousId")
    if not previous or not user:
        raise InputError("previousId and userId: both are needed for alias")
    return previous


def _id(message: Mapping[str, Any], field: str, longest: int = LONGEST_ID) -> str | None:
    """An id as text; null and "" both mean that there is none."""
    value = message.get(field)
    if value is None or value == "":
        return None
    if type(value) is not str and type(value) is not int:
        raise InputError("must be a text or a whole number", field)
    text = str(value).strip()
    if len(text) > longest:
        raise InputError(f"longer than {longest} characters", field)
    return text or None


def _made_id(message: Mapping[str, Any], number: int, origin: Origin) -> str:
    """One made of the content, so that a message with a time may be sent again."""
    timed = message.get("timestamp") or message.get("originalTimestamp")
    when = "" if timed else origin.received_at.isoformat()
    return sha256(f"{number}/{when}/{_ascii(message)}".encode()).hexdigest()


def _at(message: Mapping[str, Any], origin: Origin) -> datetime:
    """When it happened. Raises InputError for a moment in the future or before 2000."""
    received = origin.received_at
    original = _moment(message, "originalTimestamp") or _moment(message, "timestamp")
    sent = _moment(message, "sentAt")
    at = received
    try:
        if original and sent:
            at = corrected(original, sent, received)
        elif original and origin.trusted:
            at = original
    except OverflowError as error:
        raise InputError("outside the calendar", "timestamp") from error
    if at > received + AHEAD:
        raise InputError("lies in the future", "timestamp")
    if at < EARLIEST:
        raise InputError(f"lies before the year {EARLIEST.year}", "timestamp")
    return min(at, received)


def _moment(message: Mapping[str, Any], field: str) -> datetime | None:
    """ISO 8601; a time without a zone is taken as UTC."""
    value = message.get(field)
    if value is None or value == "":
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is UTC:
            return at
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("must be an ISO 8601 time such as 2026-11-23T10:00:00Z", field) from error


def _consents(
    touch: str | None, kind: Any, context: Mapping[str, Any], origin: Origin, at: datetime
) -> tuple[ConsentRecord, ...]:
    """What `context.consent.categoryPreferences` says, where it was told on purpose: SDKs repeat it on
    every message, and a ledger of page views is no proof of anything. Raises InputError for a purpose that is neither
    given nor taken back: a withdrawal must not be lost, nor is it when a purpose goes by two names here that disagree.
    Categories that are no purpose of ours mean nothing here."""
    if kind != "identify" and touch != _CONSENT_EVENT:
        return ()
    consent = _object(context, "consent")
    told = _object(consent, "categoryPreferences")
    wording = consent.get("wording")
    said: dict[str, bool] = {}
    for category, granted in told.items():
        purpose = _purpose(category)
        if purpose not in PURPOSES:
            continue
        if not isinstance(granted, bool):
            raise InputError(
                "must be true or false", f"context.consent.categoryPreferences.{category}"
            )
        said[purpose] = granted and said.get(purpose, True)
    return tuple(
        ConsentRecord(purpose, granted, at, f"track/{origin.source}", str(wording or ""))
        for purpose, granted in sorted(said.items())
    )


def _purpose(category: str) -> str:
    name = snake_case(category)
    return _CATEGORIES.get(name, name)


def _object(holder: Mapping[str, Any], field: str) -> dict[str, Any]:
    return traits.as_object(holder.get(field), field)


def _name(message: Any) -> str:
    given = message.get("messageId") if isinstance(message, dict) else None
    return str(given)[:LONGEST_MESSAGE_ID] if isinstance(given, str | int) else ""


def _raw(message: Any) -> str:
    """Compact JSON, no longer than it came: escaped, another script's letters would be six times as long, and cut."""
    try:
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        text.encode()
    except RecursionError:
        return '"nested too deeply to be kept"'
    except UnicodeEncodeError:  # half characters, which no database keeps
        return _ascii(message)
    return text


def _ascii(message: Any) -> str:
    return json.dumps(message, separators=(",", ":"))
