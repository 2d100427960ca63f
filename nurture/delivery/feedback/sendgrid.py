"""SendGrid's event webhook: a list of flat objects, signed with ECDSA over timestamp and body.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from nurture.delivery.feedback import reading
from nurture.delivery.feedback.reading import Forged
from nurture.domain.errors import InputError, StartError
from nurture.domain.feedback import Event, Kind

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"

GOOD_FOR = timedelta(hours=25)
"""SendGrid repeats a call for a day, and does not say whether it signs it anew; what comes twice is known by its id."""

_KINDS = {
    "processed": Kind.ACCEPTED,
    "deferred": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "open": Kind.OPENED,
    "click": Kind.CLICKED,
    "spamreport": Kind.COMPLAINED,
    "unsubscribe": Kind.UNSUBSCRIBED,
    "group_unsubscribe": Kind.UNSUBSCRIBED,
}
_DROPPED = {
    "bounced address": Kind.HARD_BOUNCE,
    "invalid": Kind.HARD_BOUNCE,
    "spam reporting address": Kind.COMPLAINED,
    "unsubscribed address": Kind.UNSUBSCRIBED,
}


class SendGrid:
    """`keys`: public keys as the settings page shows them, base64 of DER. Raises StartError for others."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [_key(text) for text in keys]

    async def hear(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Event]:
        self._verify(headers, body)
        reading.require_fresh(headers.get(TIMESTAMP, ""), now, GOOD_FOR)
        told = reading.parse(body)
        if not isinstance(told, list):
            raise InputError("must be a list", "body")
        events = [_event(reading.mapping(each, f"[{n}]"), now) for n, each in enumerate(told)]
        return [event for event in events if event]

    def _verify(self, headers: Mapping[str, str], body: bytes) -> None:
        signed = headers.get(TIMESTAMP, "").encode() + body
        try:
            signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
        except ValueError as error:
            raise Forged("the signature is not base64") from error
        for key in self._keys:
            try:
                key.verify(signature, signed, ec.ECDSA(SHA256()))
            except InvalidSignature:
                continue
            return
        raise Forged("the signature does not match")


def _key(text: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise StartError("NURTURE_SENDGRID_WEBHOOK_KEY is no public key in base64") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise StartError("NURTURE_SENDGRID_WEBHOOK_KEY is no ECDSA key")
    return key


def _event(told: Mapping[str, Any], now: datetime) -> Event | None:
    kind = _kind(told)
    if kind is None:
        return None
    number = reading.word(told.get("sg_message_id"))
    return Event(
        id=reading.word(told.get("sg_event_id")) or reading.digest(told),
        kind=kind,
        at=reading.moment(told.get("timestamp"), now),
        # custom arguments, such as our key, are merged into the event itself
        mails=reading.names(number.partition(".")[0], told.get("smtp-id"), _custom(told)),
        to=reading.word(told.get("email")),
        reason=reading.reason(told.get("status"), told.get("reason") or told.get("response")),
        raw=reading.raw(told),
    )


def _kind(told: Mapping[str, Any]) -> Kind | None:
    """`blocked` is about policy and never the recipient's fault."""
    event = told.get("event")
    if event == "bounce":
        if told.get("type") == "blocked":
            return Kind.SOFT_BOUNCE
        return reading.bounce(told.get("status"), told.get("reason"))
    if event == "dropped":
        return _DROPPED.get(str(told.get("reason")).lower(), Kind.REJECTED)
    return _KINDS.get(event) if isinstance(event, str) else None


_KNOWN = frozenset(
    [
        "email",
        "timestamp",
        "event",
        "ip",
        "useragent",
        "url",
        "reason",
        "response",
        "status",
        "type",
        "category",
        "sg_event_id",
        "sg_message_id",
        "smtp-id",
        "tls",
        "attempt",
        "asm_group_id",
        "sg_machine_open",
    ]
)


def _custom(told: Mapping[str, Any]) -> list[Any]:
    return [value for name, value in told.items() if name not in _KNOWN]
