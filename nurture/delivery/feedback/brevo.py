"""Brevo's transactional webhooks: one JSON object a call, nothing signed; a Bearer token or Basic auth.

https://developers.brevo.com/docs/transactional-webhooks
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nurture.delivery.feedback import reading
from nurture.domain.feedback import Event, Kind

_KINDS = {
    "request": Kind.ACCEPTED,
    "deferred": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "invalid_email": Kind.HARD_BOUNCE,
    "soft_bounce": Kind.SOFT_BOUNCE,
    "blocked": Kind.REJECTED,
    "error": Kind.REJECTED,
    "spam": Kind.COMPLAINED,
    "complaint": Kind.COMPLAINED,
    "unsubscribe": Kind.UNSUBSCRIBED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "opened": Kind.OPENED,
    "unique_opened": Kind.OPENED,
    "proxy_open": Kind.OPENED,
    "unique_proxy_open": Kind.OPENED,
    "click": Kind.CLICKED,
}


def read(told: Mapping[str, Any], now: datetime) -> Event | None:
    """Events have no id of their own; the same content is the same event."""
    kind = _kind(told)
    if kind is None:
        return None
    return Event(
        id=reading.digest(told),
        kind=kind,
        # the other times are in the account's zone
        at=reading.moment(told.get("ts_epoch"), now, per_second=1000),
        mails=reading.names(told.get("message-id"), told.get("X-Mailin-custom"), told.get("tags")),
        to=reading.word(told.get("email")),
        reason=reading.reason(told.get("reason")),
        raw=reading.raw(told),
    )


def _kind(told: Mapping[str, Any]) -> Kind | None:
    event = told.get("event")
    if event == "hard_bounce":
        return reading.bounce(told.get("reason"))
    return _KINDS.get(event) if isinstance(event, str) else None
