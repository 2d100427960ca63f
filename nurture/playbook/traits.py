"""The kinds a trait can have, and how a stored value is read as one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Literal, get_args

Kind = Literal["text", "number", "yes/no", "date", "list"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LARGEST_WHOLE = 2**63
"""Conditions compute with 64 bits; a larger whole number is read as a decimal one."""

_YES = frozenset({"yes", "true", "1", "y", "on"})
_NO = frozenset({"no", "false", "0", "n", "off"})


def as_kind(kind: str, value: Any) -> Any:
    """The value as its kind, or None when it is missing or cannot be read as that.

    Values come from forms, browsers and lists, so "yes", "12" and "2026-05-01" count as what they mean.
    """
    if value is None:
        return None
    match kind:
        case "number":
            return _number(value)
        case "yes/no":
            return _yes(value)
        case "date":
            return _date(value)
        case "list":
            items = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
            return [str(item) for item in items]
        case _:
            return str(value)


def _number(value: Any) -> int | float | None:
    if isinstance(value, int) and abs(value) < LARGEST_WHOLE:
        return int(value)
    try:
        number = float(str(value).strip())
    except ValueError:
        return None
    return number if isfinite(number) else None


def _yes(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    return True if word in _YES else False if word in _NO else None


def _date(value: Any) -> datetime | None:
    """A moment; a day without a time begins at midnight UTC, as does a moment without a zone."""
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
