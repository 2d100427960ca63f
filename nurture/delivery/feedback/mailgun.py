"""Mailgun's webhooks: one event a call. The signature covers a timestamp and a token, not the event.

So a token counts once: with one that was seen, anybody could sign anything.
https://documentation.mailgun.com/docs/mailgun/user-manual/tracking-messages/#securing-webhooks
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from nurture.delivery.feedback import reading
from nurture.delivery.feedback.reading import Forged
from nurture.domain.feedback import Event, Kind

GOOD_FOR = timedelta(days=1)
"""Longer than Mailgun repeats a call (8 hours), shorter than tokens are remembered."""

_KINDS = {
    "accepted": Kind.ACCEPTED,
    "delivered": Kind.DELIVERED,
    "rejected": Kind.REJECTED,
    "complained": Kind.COMPLAINED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "opened": Kind.OPENED,
    "clicked": Kind.CLICKED,
}
_TOO_OLD = 602
"""Mailgun's own code, for what it tried in vain for hours."""

_SUPPRESSED = {
    "suppress-bounce": Kind.HARD_BOUNCE,
    "suppress-complaint": Kind.COMPLAINED,
    "suppress-unsubscribe": Kind.UNSUBSCRIBED,
}


class Mailgun:
    """`keys`: the account's HTTP webhook signing key; several while it is changed."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys

    async def hear(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Event]:
        call = reading.envelope(body)
        token = self._verify(call.get("signature"), now)
        told = reading.mapping(call.get("event-data"), "event-data")
        kind = _kind(told)
        if kind is None:
            return []
        status = reading.within(told, "delivery-status")
        event = Event(
            id=reading.word(told.get("id")) or reading.digest(told),
            kind=kind,
            at=reading.moment(told.get("timestamp"), now),
            mails=reading.names(
                reading.within(told, "message", "headers", "message-id"),
                told.get("user-variables"),
            ),
            to=reading.word(told.get("recipient")),
            reason=reading.reason(
                told.get("reason"),
                reading.within(status, "code"),
                reading.within(status, "message") or reading.within(status, "description"),
            ),
            raw=reading.raw(told),
            nonce=f"mailgun/{reading.storable(token)}",
        )
        return [event]

    def _verify(self, signature: Any, now: datetime) -> str:
        if not isinstance(signature, dict):
            raise Forged("the signature is missing")
        timestamp, token = str(signature.get("timestamp", "")), str(signature.get("token", ""))
        given = str(signature.get("signature", "")).encode(errors="replace")
        signed = f"{timestamp}{token}".encode(errors="replace")
        expected = [hmac.new(key.encode(), signed, sha256).hexdigest() for key in self._keys]
        if not token or not any(hmac.compare_digest(each.encode(), given) for each in expected):
            raise Forged("the signature does not match")
        reading.require_fresh(timestamp, now, GOOD_FOR)
        return token


def _kind(told: Mapping[str, Any]) -> Kind | None:
    event = told.get("event")
    if event != "failed":
        return _KINDS.get(event) if isinstance(event, str) else None
    if told.get("severity") != "permanent":
        return Kind.DEFERRED
    reason = str(told.get("reason"))
    if reason in _SUPPRESSED:
        return _SUPPRESSED[reason]
    status = told.get("delivery-status")
    if reason in ("old", "greylisted") or reading.within(status, "code") == _TOO_OLD:
        return Kind.SOFT_BOUNCE
    return reading.bounce(
        *(reading.within(status, name) for name in ("enhanced-code", "message", "description"))
    )
