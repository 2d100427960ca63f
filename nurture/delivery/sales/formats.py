"""The body of a webhook. One notice, told as JSON for programs or as a message for a chat room."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nurture.delivery.sales.slack import slack_message
from nurture.delivery.sales.teams import teams_message
from nurture.ports import Notice

SOURCE = "nurture"
"""The CloudEvents `source` of all our events."""


@dataclass(frozen=True)
class Body:
    """The exact bytes to sign and send."""

    content: bytes
    content_type: str = "application/json"


Format = Callable[[Notice], Body]


def generic(notice: Notice) -> Body:
    """`{type, timestamp, data}`, the body that Standard Webhooks recommends."""
    return _json({"type": notice.type, "timestamp": notice.timestamp, "data": dict(notice.data)})


def cloudevents(notice: Notice) -> Body:
    """CloudEvents 1.0 in structured mode; its `id` is the webhook-id, its subject the handover."""
    event = {
        "specversion": "1.0",
        "id": notice.id,
        "source": SOURCE,
        "type": notice.type,
        "time": notice.timestamp,
        "subject": notice.data["handover"]["id"],
        "datacontenttype": "application/json",
        "data": dict(notice.data),
    }
    return _json(event, "application/cloudevents+json")


def slack(notice: Notice) -> Body:
    """A message with blocks for a Slack incoming webhook."""
    return _json(slack_message(notice))


def teams(notice: Notice) -> Body:
    """An adaptive card for a Microsoft Teams workflow."""
    return _json(teams_message(notice))


FORMATS: Mapping[str, Format] = {
    "generic": generic,
    "cloudevents": cloudevents,
    "slack": slack,
    "teams": teams,
}


def _json(content: Any, content_type: str = "application/json") -> Body:
    """Letters stay letters: readable in a log, and half the size of escapes."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Body(text.encode(), content_type)
