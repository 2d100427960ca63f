"""Resend's webhooks, signed as Standard Webhooks has it, under Svix's header names.

https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nurture.delivery.feedback import reading
from nurture.delivery.feedback.reading import Forged
from nurture.delivery.sales import signing
from nurture.domain.errors import InputError
from nurture.domain.feedback import Event, Kind

_KINDS = {
    "email.sent": Kind.ACCEPTED,
    "email.delivered": Kind.DELIVERED,
    "email.delivery_delayed": Kind.DEFERRED,
    "email.complained": Kind.COMPLAINED,
    "email.failed": Kind.REJECTED,
    "email.suppressed": Kind.HARD_BOUNCE,
    "email.opened": Kind.OPENED,
    "email.clicked": Kind.CLICKED,
}


class Resend:
    """`secrets`: `whsec_…` of the webhook; several while it is changed. Raises StartError for one that is none."""

    def __init__(self, secrets: Sequence[str]) -> None:
        signing.require("NURTURE_RESEND_WEBHOOK_SECRET", secrets)
        self._secrets = secrets

    async def hear(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Event]:
        named = {name.replace("svix-", "webhook-"): value for name, value in headers.items()}
        try:
            id_ = signing.verify(self._secrets, named, body, now)
        except InputError as error:
            raise Forged(str(error)) from error
        told = reading.mapping(reading.parse(body), "body")
        kind, data = _kind(told), told.get("data")
        if kind is None:
            return []
        bounce = reading.within(data, "bounce")
        event = Event(
            id=id_,
            kind=kind,
            at=reading.moment(told.get("created_at"), now),
            mails=reading.names(
                reading.within(data, "email_id"),
                reading.within(data, "message_id"),
                reading.within(data, "tags"),
            ),
            to=_only(reading.within(data, "to")),
            reason=reading.reason(
                reading.within(bounce, "subType"),
                reading.within(bounce, "message") or reading.within(data, "failed", "reason"),
            ),
            raw=reading.raw(told),
        )
        return [event]


def _kind(told: Mapping[str, Any]) -> Kind | None:
    """A bounce that is not Permanent may pass."""
    kind = told.get("type")
    if kind == "email.bounced":
        bounce = reading.within(told, "data", "bounce")
        for_good = reading.within(bounce, "type") == "Permanent"
        return reading.bounce(_server(bounce)) if for_good else Kind.SOFT_BOUNCE
    return _KINDS.get(kind) if isinstance(kind, str) else None


def _server(bounce: Any) -> Any:
    """Its own words where Resend passes them on; else Resend's."""
    return reading.within(bounce, "diagnosticCode") or reading.within(bounce, "message")


def _only(recipients: Any) -> str:
    return reading.word(recipients[0]) if isinstance(recipients, list) and recipients else ""
