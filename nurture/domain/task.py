"""The task sales gets: everything needed for a good first call, as JSON that a CRM can map.

A pure function of what was known when sales was told, so every attempt carries the same words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from nurture.domain import story
from nurture.domain.lead import Lead, Score, Touch
from nurture.domain.scoring import Reason
from nurture.domain.sla import State
from nurture.domain.story import clean

REASONS, TIMELINE, MAILS = 8, 15, 8
"""How many of each a task tells at most: the strongest, and the newest."""

_LONGEST_EMAIL = 254


@dataclass(frozen=True)
class MailSent:
    """A mail that marketing sent. `title` is its subject or, where that is not kept, its name."""

    id: str
    title: str
    at: datetime


@dataclass(frozen=True)
class Task:
    """What is known of a handover when sales is told. `kind` is handover, or task for a single thing
    to do, whose `reason` says what. `persona` is a title. `told` is whom an escalation goes to, `news` what
    came on top of the reason. `ask`: call, mail or meeting.

    People read times on the clocks of `zone`. The answer page's address is `answer_url`.
    """

    id: str
    kind: str
    reason: str
    owner: str
    opened_at: datetime
    due_at: datetime
    answer_url: str
    lead: Lead
    score: Score
    persona: str | None = None
    reasons: Sequence[Reason] = ()
    touches: Sequence[Touch] = ()
    mails: Sequence[MailSent] = ()
    zone: tzinfo = UTC
    told: str | None = None
    news: str = ""
    team: str = ""
    ask: str = "call"


def task_data(task: Task) -> dict[str, Any]:
    """The `data` of a notice: under 20 KB whatever the lead did. Times are ISO 8601 in UTC.

    Keys: handover, lead, score, timeline and mails (newest first), opening, links.
    """
    lead = _lead(task)
    titles = {mail.id: clean(mail.title) for mail in task.mails}
    lines = story.timeline(task.touches, titles, TIMELINE)
    return {
        "handover": _handover(task, _title(task, lead)),
        "lead": lead,
        "score": {
            "total": task.score.total,
            "fit": task.score.fit,
            "engagement": task.score.engagement,
            "grade": task.score.grade,
            "reasons": [_reason(reason, task.zone) for reason in task.reasons[:REASONS]],
        },
        "timeline": [_line(line.at, line.text, task.zone) for line in lines],
        "mails": _mails(task),
        "opening": story.opening(
            _trait(task.lead, "first_name"), task.owner, task.touches, titles, task.zone
        ),
        "links": {
            "page": task.answer_url,
            **{str(state): f"{task.answer_url}#{state}" for state in _BUTTONS},
        },
    }


_BUTTONS = (State.ACCEPTED, State.CONTACTED, State.REJECTED)
"""The answers a task offers at once. They lead to one page: only its form acts, never a link."""


def _handover(task: Task, title: str) -> dict[str, Any]:
    return {
        "id": task.id,
        "kind": task.kind,
        "ask": task.ask,
        "title": title,
        "reason": clean(task.reason),
        "news": clean(task.news),
        "team": clean(task.team),
        "owner": clean(task.owner),
        "told": clean(task.told or task.owner),
        "opened_at": _iso(task.opened_at),
        "due_at": _iso(task.due_at),
        "due": story.moment(task.due_at, task.zone),
        "due_on": task.due_at.astimezone(task.zone).date().isoformat(),
    }


def _title(task: Task, lead: dict[str, Any]) -> str:
    if task.kind == "task":
        return clean(task.reason)
    company = f" ({lead['company']})" if lead["company"] else ""
    return clean(f"Contact {lead['name']}{company}")


def _lead(task: Task) -> dict[str, Any]:
    lead = task.lead
    first, last = _trait(lead, "first_name"), _trait(lead, "last_name")
    email = clean(lead.email or "", _LONGEST_EMAIL)
    return {
        "id": lead.id,
        "name": " ".join(filter(None, (first, last)))
        or _trait(lead, "name")
        or email
        or "a visitor",
        "first_name": first,
        "last_name": last,
        "email": email,
        **{name: _trait(lead, name) for name in ("phone", "company", "country", "title")},
        "persona": clean(task.persona or ""),
        "stage": lead.stage,
    }


def _trait(lead: Lead, name: str) -> str:
    value = lead.traits.get(name)
    return clean(value) if isinstance(value, str | int) else ""


def _reason(reason: Reason, zone: tzinfo) -> dict[str, Any]:
    when = f", last on {story.day(reason.at, zone)}" if reason.at else ""
    return {"points": reason.points, "text": clean(reason.title) + when}


def _mails(task: Task) -> list[dict[str, Any]]:
    """What was sent, and whether it was opened or clicked."""
    seen = {
        (str(touch.properties.get("message")), touch.name)
        for touch in task.touches
        if not touch.machine
    }
    newest = sorted(task.mails, key=lambda mail: mail.at, reverse=True)[:MAILS]
    found = []
    for mail in newest:
        done = [did for did in ("opened", "clicked") if (mail.id, did) in seen]
        text = ", ".join([f"“{clean(mail.title)}”", *(done or ["not opened so far"])])
        found.append(_line(mail.at, text, task.zone))
    return found


def _line(at: datetime, text: str, zone: tzinfo) -> dict[str, Any]:
    return {"at": _iso(at), "when": story.short(at, zone), "text": text}


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
