"""Adaptive cards for a Microsoft Teams workflow ("When a Teams webhook request is received").

A message stays under 28 KB, since a task does. Card version 1.4; no Action.Submit, as nobody would
answer it.
"""

import re
from typing import Any

from nurture.delivery.sales import wording
from nurture.ports import Notice

_MARKDOWN = re.compile(r"([\\*_\[\]])")


def teams_message(notice: Notice) -> dict[str, Any]:
    """One card with facts, the longer parts, and buttons that open the answer page."""
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": _body(notice),
    }
    if not wording.is_over(notice):
        card["actions"] = [
            {"type": "Action.OpenUrl", "title": label, "url": notice.data["links"][state]}
            for state, label in wording.BUTTONS.items()
        ]
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _body(notice: Notice) -> list[dict[str, Any]]:
    facts = wording.facts(notice.data)
    body = [
        _text(wording.headline(notice), size="Large", weight="Bolder"),
        {
            "type": "FactSet",
            "facts": [{"title": label, "value": escape(value)} for label, value in facts],
        },
    ]
    for heading, lines in wording.sections(notice.data):
        body.append(_text(heading, weight="Bolder", separator=True))
        body += [_text(line, spacing="Small") for line in lines]
    return body


def escape(text: str) -> str:
    """Cards read a part of Markdown: a lead's words must not become links or layout."""
    return _MARKDOWN.sub(r"\\\1", text)


def _text(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": escape(text), "wrap": True, **style}
