"""What messages tell of a person and of a page, in one shape. Pure.

Segment reserves names such as firstName and company{name}; here they become first_name and company.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from email_validator import EmailNotValidError, validate_email

from nurture.domain.errors import InputError

CLICK_IDS = ("gclid", "fbclid", "msclkid", "li_fat_id", "ttclid")
"""Ad platforms' own marks on a landing page's address; SDKs leave them in the query."""

_PAGE = ("url", "path", "title", "referrer", "search")
_CAMPAIGN = {"name": "campaign"}
_ADDRESS = {"street", "city", "state", "postal_code", "country"}

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GAP = re.compile(r"[\W_]+")


def snake_case(text: str) -> str:
    """ "Order Completed", "orderCompleted" and "order-completed" are all order_completed."""
    return _GAP.sub("_", _HUMP.sub("_", text)).strip("_").lower()


def as_object(value: Any, field: str) -> dict[str, Any]:
    """The object, empty for null. Raises InputError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError("must be an object", field)
    return value


def normalised(email: Any, field: str) -> str | None:
    """The address in lower case; None when it was left empty. Raises InputError without repeating it."""
    if email is None or email == "":
        return None
    if not isinstance(email, str):
        raise InputError("must be a text", field)
    try:
        # test_environment only lets through the top-level domain .test, which nobody can own.
        found = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise InputError("is not an e-mail address", field) from error
    return found.normalized.lower()


_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3}\Z")


def of(
    kind: Any, message: Mapping[str, Any], context: Mapping[str, Any]
) -> tuple[dict[str, Any], str | None]:
    """Traits in snake_case, and the e-mail address apart from them.

    RudderStack's browser SDK tells traits only in the context; Segment's may do so on any message.
    """
    told = as_object(message.get("traits"), "traits")
    if kind == "group":
        return _company({"id": message.get("groupId"), **told}), None
    told = {**as_object(context.get("traits"), "context.traits"), **told}
    known = _browser(context) | _flat(told)
    return known, normalised(known.pop("email", None), "traits.email")


def page(
    message: Mapping[str, Any], properties: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, Any]:
    """A page view's properties, completed from the context, the campaign and the page's address."""
    seen = as_object(context.get("page"), "context.page")
    campaign = as_object(context.get("campaign"), "context.campaign")
    found = {key: seen[key] for key in _PAGE if seen.get(key)}
    found |= {f"utm_{_CAMPAIGN.get(key, key)}": value for key, value in campaign.items()}
    found |= properties
    found |= {key: message[key] for key in ("name", "category") if message.get(key)}
    return _address(found) | found


def _address(found: Mapping[str, Any]) -> dict[str, Any]:
    """Path and ad platforms' click ids, read from the page's own address."""
    try:
        parts = urlsplit(str(found.get("url") or ""))
        searched = str(found.get("search") or parts.query).removeprefix("?")
        query = parse_qs(searched) if searched else {}
    except ValueError:
        return {}
    marks = {name: query[name][0] for name in CLICK_IDS if name in query}
    return {"path": parts.path or "/", **marks} if parts.netloc else dict(marks)


def _flat(told: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for key, value in told.items():
        name = snake_case(key)
        if name == "address" and isinstance(value, dict):
            parts = {snake_case(part): said for part, said in value.items()}
            known |= {part: said for part, said in parts.items() if part in _ADDRESS}
        elif name == "company" and isinstance(value, dict):
            known |= _company(value)
        elif name:
            known[name] = value
    return known


def _company(told: Mapping[str, Any]) -> dict[str, Any]:
    """A company's own traits, as traits of the person in it: company, company_id, company_industry."""
    parts = {snake_case(part): said for part, said in told.items()}
    return {
        "company" if part == "name" else f"company_{part}": said for part, said in parts.items()
    }


def _browser(context: Mapping[str, Any]) -> dict[str, Any]:
    """The browser's zone when it is a name (RudderStack says GMT+0000, which knows no summer), and the
    language it asks for pages in."""
    zone, locale = context.get("timezone"), context.get("locale")
    known = {"timezone": zone} if isinstance(zone, str) and "/" in zone else {}
    return known | ({"locale": locale} if isinstance(locale, str) and _LOCALE.match(locale) else {})
