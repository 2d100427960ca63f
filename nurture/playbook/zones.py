"""The time zones there are. What people, browsers and lists say is looked up among their names."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones


@cache
def names() -> frozenset[str]:
    """All of them; found once, since that reads a folder of files."""
    return frozenset(available_timezones())


def zone(name: str) -> ZoneInfo | None:
    """`Europe/Copenhagen`; None for a name that no zone has.

    `ZoneInfo` itself takes any name for a file's: one of a folder, or too long a one, is an error of the system.
    """
    return ZoneInfo(name) if name in names() else None


def of(traits: Mapping[str, Any]) -> ZoneInfo | None:
    """The one that a lead told, if there is such."""
    name = traits.get("timezone")
    return zone(name) if isinstance(name, str) else None
