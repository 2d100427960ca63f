"""The Jinja that marketers' templates run in, and what they may name."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined

from nurture.delivery.email.bounded import Bounded
from nurture.delivery.email.variants import Files
from nurture.domain.lead import Lead
from nurture.playbook import Company, Sender

NAMES: Mapping[str, frozenset[str]] = {
    "company": frozenset({"name", "address", "contact"}),
    "sender": frozenset({"name", "address", "reply_to"}),
}
"""What stands behind the dot, besides the lead's traits."""

LEAD_NAMES = frozenset({"email", "first_name", "stage"})
PLAIN_NAMES = frozenset({"unsubscribe_url", "confirm_url", "persona", "language"})

_NAME = re.compile(r"(?:lm*)+(?:(?:[ '’-]|\. )(?:lm*)+)*\.?")
"""Of letters, each with its marks, as `_shape` tells them."""
_LONGEST_NAME = 40
JOINERS = "\u200c\u200d"
"""Unseen, and yet a letter or an emoji is another one without them."""


def environment(files: Files | None, html: bool) -> Bounded:
    """A sandbox in which an unknown name is an error and, for HTML, every value is escaped."""

    def load(name: str) -> tuple[str, str, None] | None:
        return (files[name], files.place(name), None) if files and name in files else None

    found = Bounded(autoescape=html, undefined=StrictUndefined, loader=FunctionLoader(load))
    found.globals.pop("lipsum")
    return found


def variables(
    lead: Lead,
    traits: Iterable[str],
    company: Company,
    sender: Sender,
    persona: str | None,
    unsubscribe_url: str,
    language: str = "",
    confirm_url: str = "",
) -> dict[str, Any]:
    """What a template sees. A declared trait that the lead lacks is empty; others do not exist."""
    told = {name: _readable(lead.traits.get(name)) for name in traits}
    told |= {"email": lead.email, "stage": lead.stage, "first_name": first_name(lead)}
    about = {
        "company": {name: getattr(company, name) for name in NAMES["company"]},
        "sender": {name: getattr(sender, name) for name in NAMES["sender"]},
        "lead": told,
    }
    return {
        "persona": persona or "",
        "language": language,
        "unsubscribe_url": unsubscribe_url,
        "confirm_url": confirm_url,
        **{name: _namespace(values) for name, values in about.items()},
    }


def first_name(lead: Lead) -> str:
    """What to call the lead; empty when it never said, or said something that is no name.

    Forms are abused to send advertisements to strangers through the field for the name: a name with a
    web address in it must not reach a mail.
    """
    given = lead.traits.get("first_name") or lead.traits.get("name") or ""
    name = " ".join(unicodedata.normalize("NFC", str(given)).split())
    if not lead.traits.get("first_name"):
        name = name.partition(" ")[0]
    return name if len(name) <= _LONGEST_NAME and _NAME.fullmatch(_shape(name)) else ""


def _shape(name: str) -> str:
    """Each letter as `l` and each mark, such as the vowels of Hindi and Thai, as `m`; other signs as they are."""
    return "".join("l" if sign.isalpha() else "m" if _is_mark(sign) else sign for sign in name)


def _is_mark(sign: str) -> bool:
    return sign in JOINERS or unicodedata.category(sign).startswith("M")


def _readable(value: Any) -> Any:
    """Lists tell every number as a decimal one; a whole one is read as such: 50, not 50.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _namespace(values: Mapping[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**{key: "" if value is None else value for key, value in values.items()})
