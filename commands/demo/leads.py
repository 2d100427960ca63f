"""A real lead list as the stream of messages a website would have sent.

Pure and deterministic: the same rows give the same messages at the same moments of the playbook.
What the list does not say (names, times, page addresses) is invented here; examples/README.md
tells which.
"""

import math
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nurture.domain.consent import AD_AUDIENCES, EMAIL_MARKETING, TRACKING
from nurture.domain.errors import InputError

COLUMNS = (
    "Lead Number",
    "Lead Origin",
    "Lead Source",
    "Do Not Email",
    "Converted",
    "TotalVisits",
    "Total Time Spent on Website",
    "Page Views Per Visit",
    "Last Activity",
    "Country",
    "Specialization",
    "How did you hear about X Education",
    "What is your current occupation",
    "What matters most to you in choosing a course",
    "City",
    "A free copy of Mastering The Interview",
)
"""What a lead list for the demo must have; other columns are ignored."""

ARRIVAL_DAYS = 28.0
"""All leads arrive within this many days of the playbook."""

VISIT_DAYS = 8.0
"""A lead's visits lie within this many days of its arrival."""

MOST_VISITS = 20
"""Robots and colleagues visit hundreds of times; nobody learns more from them."""

_UNANSWERED = ("", "Select")
_TRAITS = {
    "country": "Country",
    "city": "City",
    "occupation": "What is your current occupation",
    "specialization": "Specialization",
    "motivation": "What matters most to you in choosing a course",
    "heard_from": "How did you hear about X Education",
    "lead_source": "Lead Source",
    "lead_origin": "Lead Origin",
}
_FORMS = {
    "Landing Page Submission": "landing-page",
    "Lead Add Form": "enquiry",
    "Quick Add Form": "enquiry",
}
# fmt: off
_FIRST_NAMES = (
    "Aarav", "Aditi", "Ananya", "Arjun", "Asha", "Deepa", "Devika", "Farah", "Gauri", "Imran",
    "Isha", "Kabir", "Kavya", "Kiran", "Leela", "Manoj", "Maya", "Meera", "Neha", "Nikhil",
    "Nisha", "Omar", "Pooja", "Priya", "Rahul", "Ravi", "Rohan", "Sana", "Sanjay", "Sunita",
    "Tara", "Vikram", "Zara",
)
_LAST_NAMES = (
    "Agarwal", "Bose", "Chopra", "Das", "Desai", "Fernandes", "Gupta", "Iyer", "Jain", "Joshi",
    "Kapoor", "Khan", "Kulkarni", "Mehta", "Menon", "Mishra", "Nair", "Patel", "Pillai", "Rao",
    "Reddy", "Roy", "Shah", "Sharma", "Singh", "Thomas", "Varma", "Yadav",
)
# fmt: on


@dataclass(frozen=True)
class Lead:
    """One row of the list: `seconds` on the website in all, `pages` viewed per visit on average."""

    number: int
    values: Mapping[str, str]
    visits: int
    seconds: int
    pages: float
    converted: bool

    @property
    def email(self) -> str:
        return f"lead-{self.number}@education.example"

    @property
    def last_activity(self) -> str:
        return self.values["Last Activity"]


@dataclass(frozen=True)
class Planned:
    """A message for the tracking API, yet without its time, and the playbook day it is sent on."""

    day: float
    message: Mapping[str, Any]


def lead(values: Mapping[str, str]) -> Lead:
    """Raises InputError naming the cell that cannot be used."""
    if values["Converted"] not in ("0", "1"):
        raise InputError(f"must be 0 or 1, not {values['Converted']!r}", "Converted")
    return Lead(
        number=int(_number(values, "Lead Number", needed=True)),
        values=values,
        visits=min(MOST_VISITS, int(_number(values, "TotalVisits"))),
        seconds=int(_number(values, "Total Time Spent on Website")),
        pages=_number(values, "Page Views Per Visit"),
        converted=values["Converted"] == "1",
    )


def plan(leads: Iterable[Lead]) -> list[Planned]:
    """All messages of all leads, in the order in which they are sent."""
    messages = [planned for each in leads for planned in story(each)]
    return sorted(messages, key=lambda planned: planned.day)


def story(lead: Lead) -> list[Planned]:
    """What one lead does, in order. Until it says who it is, it is a browser only."""
    chance = random.Random(f"story/{lead.number}")
    arrival = chance.uniform(0, ARRIVAL_DAYS)
    later = sorted(chance.uniform(0, VISIT_DAYS) for _ in range(lead.visits - 1))
    days = [arrival, *(arrival + offset for offset in later)]
    told = chance.randrange(min(2, len(days)))
    found: list[Planned] = []
    for index, day in enumerate(days):
        names = _names(lead, known=index > told)
        did = list(_visit(lead, chance)) if lead.visits else []
        if index == told:
            did[1:1] = [_identify(lead, chance), *_answers(lead)]
        if index == len(days) - 1:
            did += [act for act in _last_acts(lead) if act not in did]
        found += [Planned(day, {**names, **act}) for act in did]
    return [_with_id(lead, index, each) for index, each in enumerate(found)]


def _with_id(lead: Lead, index: int, planned: Planned) -> Planned:
    return Planned(planned.day, {**planned.message, "messageId": f"lead-{lead.number}-{index}"})


def _names(lead: Lead, known: bool) -> dict[str, str]:
    browser = {"anonymousId": f"browser-{lead.number}"}
    return {**browser, "userId": f"lead-{lead.number}"} if known else browser


def _visit(lead: Lead, chance: random.Random) -> Iterator[dict[str, Any]]:
    views = max(1, round(lead.pages))
    for index in range(views):
        path = _path(lead, index, chance)
        yield {"type": "page", "name": path, "properties": {"path": path, "title": path}}
    minutes = round(lead.seconds / lead.visits / 60, 2)
    yield _track("Session Ended", {"minutes": minutes, "pages": views})


def _path(lead: Lead, index: int, chance: random.Random) -> str:
    course = answer(lead, "Specialization")
    if index == 0 or course is None:
        return chance.choice(("/", "/courses"))
    return f"/courses/{re.sub('[^a-z]+', '-', course.lower()).strip('-')}"


def _identify(lead: Lead, chance: random.Random) -> dict[str, Any]:
    agrees = lead.values["Do Not Email"] != "Yes"
    traits = {trait: answer(lead, column) for trait, column in _TRAITS.items()}
    wants_copy = lead.values["A free copy of Mastering The Interview"] == "Yes"
    purposes = {EMAIL_MARKETING: agrees, AD_AUDIENCES: agrees, TRACKING: True}
    return {
        "type": "identify",
        "userId": f"lead-{lead.number}",
        "traits": {
            "email": lead.email,
            "firstName": chance.choice(_FIRST_NAMES),
            "lastName": chance.choice(_LAST_NAMES),
            "wants_interview_guide": wants_copy,
            **{trait: value for trait, value in traits.items() if value is not None},
        },
        "context": {"consent": {"categoryPreferences": purposes}},
    }


def _answers(lead: Lead) -> list[dict[str, Any]]:
    """How the lead became known, and what it asked for at once."""
    user = {"userId": f"lead-{lead.number}"}
    found = []
    if form := _FORMS.get(lead.values["Lead Origin"]):
        found.append(_track("Form Submitted", {"form": form}))
    if lead.values["Lead Source"] == "Olark Chat":
        found.append(_track("Chat Conversation", {"channel": "website"}))
    if lead.values["A free copy of Mastering The Interview"] == "Yes":
        found.append(_track("Downloaded", {"asset": "mastering-the-interview"}))
    return [{**user, **each} for each in found]


def _last_acts(lead: Lead) -> list[dict[str, Any]]:
    """What the list calls its last activity, as far as a website would hear of it."""
    user = {"userId": f"lead-{lead.number}"}
    heard = {
        "Olark Chat Conversation": _track("Chat Conversation", {"channel": "website"}),
        "Form Submitted on Website": _track("Form Submitted", {"form": "website"}),
        "Had a Phone Conversation": _track("Sales Conversation", {"channel": "phone"}),
        "Page Visited on Website": {
            "type": "page",
            "name": "/courses",
            "properties": {"path": "/courses", "title": "/courses"},
        },
    }
    return [{**user, **act} for name, act in heard.items() if name == lead.last_activity]


def _track(event: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "track", "event": event, "properties": dict(properties)}


def answer(lead: Lead, column: str) -> str | None:
    """What the lead answered; None when it did not."""
    value = lead.values[column]
    return None if value in _UNANSWERED else value


def _number(values: Mapping[str, str], column: str, needed: bool = False) -> float:
    """The cell as a number; 0 when it is blank and not needed."""
    text = values[column]
    if not text and not needed:
        return 0.0
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise InputError(f"must be a number from 0, not {text!r}", column)
    return number
