"""What a lead did, in sentences for a human who is about to call."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from nurture.domain import orders
from nurture.domain.lead import Touch

LONGEST = 160
"""Bytes of UTF-8 that one line may take, so that a whole task stays small."""

_THINGS = ("title", "name", "product", "topic", "subject", "file")
_MORE = {
    "form_submitted": ("form",),
    "page": ("path", "url"),
    "screen": ("path", "url"),
    "downloaded": ("path", "url"),
    "video_played": ("path", "url"),
}
"""Properties that name what a touch was about, and where the first ones fail, those of some touches."""

_DID = {
    "page": "Looked at",
    "screen": "Looked at",
    "form_submitted": "Filled in the form",
    "downloaded": "Downloaded",
    "video_played": "Watched",
    "demo_requested": "Asked for a demo of",
    "chat_conversation": "Chatted with us about",
    "sales_conversation": "Talked to sales about",
    "order_completed": "Ordered",
    "support_case_opened": "Opened a support case on",
    "support_case_closed": "Had a support case closed on",
    "unsubscribed": "Unsubscribed from mails",
    "resubscribed": "Wants mails again",
    "mails_paused": "Asked for a break from mails",
    "bounced": "A mail came back",
    "complained": "Reported a mail as spam",
}
_LINKING = (" of", " about", " on", " at")
"""Ends of the phrases above that make no sense when it is not known what it was about."""

_OPENINGS = {
    "demo_requested": "You asked us for a demo of",
    "order_completed": "Thank you for your order",
    "chat_conversation": "You chatted with us about",
    "form_submitted": "You filled in our form",
    "downloaded": "You downloaded",
    "video_played": "You watched",
    "clicked": "You followed a link from our mail",
    "page": "You have been reading about",
}
"""The most telling kind of touch first."""

_NEED_A_THING = frozenset({"downloaded", "video_played", "page"})
"""Openings that say nothing when it is not known what it was about."""


@dataclass(frozen=True)
class Line:
    """One entry of a timeline; `at` is when it last happened."""

    at: datetime
    text: str


def timeline(touches: Iterable[Touch], mails: Mapping[str, str], longest: int) -> list[Line]:
    """Newest first and without machines' doings; the same thing done in a row is one line.

    `mails` maps the id of a mail to its title. At most `longest` lines.
    """
    found: list[tuple[Line, int]] = []
    for touch in sorted(touches, key=lambda touch: touch.at, reverse=True):
        if touch.machine:
            continue
        text = sentence(touch, mails)
        if found and found[-1][0].text == text:
            line, times = found[-1]
            found[-1] = (line, times + 1)
        elif len(found) == longest:
            break
        else:
            found.append((Line(touch.at, text), 1))
    return [Line(line.at, _times(line.text, times)) for line, times in found]


def sentence(touch: Touch, mails: Mapping[str, str]) -> str:
    """What the lead did with this touch."""
    about = touch.properties
    if touch.name in ("opened", "clicked"):
        mail = _quoted(mails.get(str(about.get("message"))) or about.get("template"))
        if touch.name == "opened":
            return clean(f"Opened the mail {mail}")
        return clean(f"Clicked {about.get('url') or 'a link'} in the mail {mail}")
    did = _DID.get(touch.name) or touch.name.replace("_", " ").capitalize()
    return _about(did, _thing(touch))


def opening(
    first_name: str, owner: str, touches: Iterable[Touch], mails: Mapping[str, str], zone: tzinfo
) -> str:
    """A first line for the call or mail, about the most telling thing the lead did."""
    hello = clean(f"Hi {first_name}" if first_name else "Hello") + f", this is {clean(owner)}."
    telling = [
        touch
        for touch in touches
        if touch.name in _OPENINGS
        and not touch.machine
        and (touch.name not in _NEED_A_THING or _thing(touch))
    ]
    if not telling:
        return f"{hello} What are you looking for at the moment?"
    order = list(_OPENINGS)
    told = min(telling, key=lambda touch: (order.index(touch.name), -touch.at.timestamp()))
    thing = _thing(told)
    if told.name == "clicked":
        thing = _quoted(mails.get(str(told.properties.get("message"))))
    phrase = _about(_OPENINGS[told.name], thing)
    question = "When would suit you?" if told.name == "demo_requested" else "How can I help you on?"
    return f"{hello} {phrase} on {day(told.at, zone)}. {question}"


def day(at: datetime, zone: tzinfo) -> str:
    """4 March, on the clocks of `zone`."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%B}"


def short(at: datetime, zone: tzinfo) -> str:
    """4 Mar 2026, 11:00, on the clocks of `zone`."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def moment(at: datetime, zone: tzinfo) -> str:
    """Wednesday 4 March 2026 at 11:00 CET, on the clocks of `zone`."""
    local = at.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B %Y at %H:%M %Z}"


def clean(text: Any, longest: int = LONGEST) -> str:
    """One line without control characters, at most `longest` bytes of UTF-8."""
    said = str(text)
    if not said.isprintable():
        said = "".join(
            " " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in said
        )
    line = " ".join(said.split())
    raw = line.encode()
    if len(raw) <= longest:
        return line
    return raw[: longest - len("…".encode())].decode(errors="ignore").rstrip() + "…"


def _thing(touch: Touch) -> str:
    about = touch.properties
    if touch.name == orders.COMPLETED:
        amount = orders.amount(about)
        return clean(f"for {amount} {about.get('currency') or ''}") if amount else ""
    names = (*_THINGS, *_MORE.get(touch.name, ()))
    found = next((about[name] for name in names if _says_something(about.get(name))), None)
    path = about.get("path")
    if touch.name == "page" and found is not None and path and path != found:
        return f"{_quoted(found)} ({clean(path)})"
    return _quoted(found)


def _says_something(value: Any) -> bool:
    return isinstance(value, str | int | float) and bool(clean(value))


def _quoted(text: Any) -> str:
    return f"“{clean(text)}”" if text else ""


def _about(phrase: str, thing: str) -> str:
    """The phrase and what it was about, or as much of the phrase as makes sense without that."""
    if thing:
        return clean(f"{phrase} {thing}")
    for end in _LINKING:
        phrase = phrase.removesuffix(end)
    return phrase


def _times(text: str, times: int) -> str:
    return text if times == 1 else f"{text}, {times} times"
