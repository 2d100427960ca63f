"""Amazon SES through SNS: envelope verified here, subscriptions confirmed, events in a JSON string inside.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nurture.delivery.feedback import reading
from nurture.delivery.feedback.reading import Forged
from nurture.delivery.feedback.sns import Sns
from nurture.domain.feedback import Event, Kind

_KINDS = {
    "Send": Kind.ACCEPTED,
    "Delivery": Kind.DELIVERED,
    "DeliveryDelay": Kind.DEFERRED,
    "Complaint": Kind.COMPLAINED,
    "Reject": Kind.REJECTED,
    "Rendering Failure": Kind.REJECTED,
    "RenderingFailure": Kind.REJECTED,
    "Subscription": Kind.UNSUBSCRIBED,
    "Open": Kind.OPENED,
    "Click": Kind.CLICKED,
}


class Ses:
    """Hears what comes over `sns`."""

    def __init__(self, sns: Sns) -> None:
        self._sns = sns

    async def hear(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Event]:
        """A subscription is confirmed and says nothing of mails."""
        envelope = reading.envelope(body)
        await self._sns.verify(envelope, now)
        match envelope.get("Type"):
            case "SubscriptionConfirmation":
                await self._sns.confirm(envelope)
                return []
            case "Notification":
                told = reading.parse(str(envelope.get("Message")).encode(errors="replace"))
                event = _event(str(envelope.get("MessageId")), told, now)
                return [event] if event else []
            case "UnsubscribeConfirmation":
                return []
            case _:
                raise Forged("no type of message that SNS sends")


def _event(id_: str, told: Any, now: datetime) -> Event | None:
    kind = _kind(told) if isinstance(told, dict) else None
    if kind is None:
        return None
    mail, name = told.get("mail"), str(told.get("eventType") or told.get("notificationType"))
    part = told.get(name[:1].lower() + name[1:])
    return Event(
        id=id_,
        kind=kind,
        at=reading.moment(reading.within(part, "timestamp"), now),
        mails=reading.names(
            reading.within(mail, "messageId"),
            reading.within(mail, "tags"),
            reading.within(mail, "commonHeaders", "messageId"),
        ),
        to=_recipient(mail),
        reason=reading.reason(
            reading.within(part, "bounceSubType") or reading.within(part, "complaintFeedbackType"),
            _diagnosis(part) or reading.within(part, "reason"),
        ),
        raw=reading.raw(told),
    )


def _kind(told: Mapping[str, Any]) -> Kind | None:
    name = told.get("eventType") or told.get("notificationType")
    if name == "Bounce":
        part = told.get("bounce")
        if reading.within(part, "bounceType") != "Permanent":
            return Kind.SOFT_BOUNCE
        return reading.bounce(_of_first(part, "status"), _diagnosis(part))
    if name == "Complaint" and (
        reading.within(told, "complaint", "complaintFeedbackType") == "not-spam"
    ):
        return None
    return _KINDS.get(name) if isinstance(name, str) else None


def _recipient(mail: Any) -> str:
    destination = reading.within(mail, "destination")
    many = destination if isinstance(destination, list) else []
    return reading.word(many[0]) if len(many) == 1 else ""


def _diagnosis(part: Any) -> Any:
    return _of_first(part, "diagnosticCode")


def _of_first(part: Any, name: str) -> Any:
    recipients = reading.within(part, "bouncedRecipients")
    first = recipients[0] if isinstance(recipients, list) and recipients else None
    return reading.within(first, name)
