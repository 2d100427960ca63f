"""Postmark's webhooks: one JSON object a call, nothing signed; the secret is Basic auth in the address.

https://postmarkapp.com/developer/webhooks/webhooks-overview
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nurture.delivery.feedback import reading
from nurture.domain.feedback import Event, Kind

_KINDS = {
    "Delivery": Kind.DELIVERED,
    "SpamComplaint": Kind.COMPLAINED,
    "Open": Kind.OPENED,
    "Click": Kind.CLICKED,
}
_SUPPRESSED = {
    "HardBounce": Kind.HARD_BOUNCE,
    "SpamComplaint": Kind.COMPLAINED,
    "ManualSuppression": Kind.UNSUBSCRIBED,
}
_TIMES = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")


def read(told: Mapping[str, Any], now: datetime) -> Event | None:
    kind = _kind(told)
    if kind is None:
        return None
    at = next((told[name] for name in _TIMES if told.get(name)), None)
    return Event(
        id=reading.digest(told),
        kind=kind,
        at=reading.moment(at, now),
        mails=reading.names(told.get("MessageID"), told.get("Metadata")),
        to=reading.word(told.get("Email") or told.get("Recipient")),
        reason=reading.reason(
            told.get("Type") or told.get("SuppressionReason"), told.get("Details")
        ),
        raw=reading.raw(told),
    )


def _kind(told: Mapping[str, Any]) -> Kind | None:
    match told.get("RecordType"):
        case "Bounce":
            return _bounce(str(told.get("Type")), told.get("Details"))
        case "SubscriptionChange" if told.get("SuppressSending"):
            return _SUPPRESSED.get(str(told.get("SuppressionReason")))
        case str(record):
            return _KINDS.get(record)
        case _:
            return None


def _bounce(kind: str, details: Any) -> Kind | None:
    """Postmark goes on trying after Transient; AutoResponder and the like are no bounces at all."""
    match kind:
        case "HardBounce":
            return reading.bounce(details)
        case "BadEmailAddress" | "ManuallyDeactivated":
            return Kind.HARD_BOUNCE
        case "SpamComplaint":
            return Kind.COMPLAINED
        case "Unsubscribe":
            return Kind.UNSUBSCRIBED
        case "Transient":
            return Kind.DEFERRED
        case "AutoResponder" | "AddressChange" | "Subscribe" | "ChallengeVerification":
            return None
        case _:
            return Kind.SOFT_BOUNCE
