"""A notice in sentences: what chat rooms, CRM tasks and the local inbox show."""

from collections.abc import Mapping
from html import escape
from typing import Any

from nurture.ports import Notice

SHOWN = 5
"""So many reasons, doings and mails a message shows; the page behind it shows all."""

BUTTONS = {"accepted": "Accept", "contacted": "I have contacted them", "rejected": "Reject"}
"""The links of a task and what they are called."""

_HEADLINES = {
    "created": "{title}",
    "reminder": "Reminder: {title}",
    "escalated": "Overdue at {owner}: {title}",
    "enriched": "News of {title}",
    "reassigned": "Now yours, {owner}: {title}",
    "won": "Won by an order: {title}",
    "recycled": "Back to marketing: {title}",
    "erased": "Erased on request; please delete this lead: {title}",
}


def headline(notice: Notice) -> str:
    """The one line that tells what this is about."""
    handover = notice.data["handover"]
    what = notice.type.rpartition(".")[2]
    return _HEADLINES.get(what, "{title}").format(title=handover["title"], owner=handover["owner"])


def is_over(notice: Notice) -> bool:
    """True when nothing is left for sales to do."""
    return is_won(notice) or notice.type.endswith((".recycled", ".erased"))


def task_status(notice: Notice, won: str, over: str) -> str | None:
    """What a CRM calls a task whose lead bought, or of which nothing is left to do otherwise. None: as sales has set
    it."""
    if is_won(notice):
        return won
    return over if is_over(notice) else None


def is_won(notice: Notice) -> bool:
    """True when nothing is left to do because the lead bought."""
    return notice.type.endswith(".won")


def facts(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is known of the lead and the handover, as labels and values. Nothing empty."""
    lead, handover, score = data["lead"], data["handover"], data["score"]
    found = [
        ("Name", lead["name"]),
        ("Company", lead["company"]),
        ("Persona", lead["persona"]),
        ("E-mail", lead["email"]),
        ("Phone", lead["phone"]),
        ("Country", lead["country"]),
        ("Score", str(score["total"])),
        ("Reason", handover["reason"]),
        ("News", handover.get("news", "")),
        ("Owner", handover["owner"]),
        ("Due", handover["due"]),
    ]
    return [(label, value) for label, value in found if value]


def sections(data: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Longer parts: a heading and its lines. Nothing empty."""
    found = [
        ("Why now", [_points(reason) for reason in data["score"]["reasons"]]),
        ("What they did", [_dated(line) for line in data["timeline"]]),
        ("What marketing has sent", [_dated(line) for line in data["mails"]]),
        ("A way to begin", [data["opening"]]),
    ]
    return [(heading, lines[:SHOWN]) for heading, lines in found if lines]


def text(notice: Notice) -> str:
    """All of it as plain text, for the notes of a CRM task."""
    parts = ["\n".join(f"{label}: {value}" for label, value in facts(notice.data))]
    for heading, lines in sections(notice.data):
        parts.append("\n".join([heading, *(f"- {line}" for line in lines)]))
    parts.append(f"Answer here: {notice.data['links']['page']}")
    return "\n\n".join(parts)


def html(notice: Notice) -> str:
    """The same text for CRMs whose notes are HTML."""
    paragraphs = escape(text(notice)).split("\n\n")
    return "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs).replace("\n", "<br>")


def _points(reason: Mapping[str, Any]) -> str:
    return f"{reason['text']} ({reason['points']:+d})"


def _dated(line: Mapping[str, Any]) -> str:
    return f"{line['when']}: {line['text']}"
