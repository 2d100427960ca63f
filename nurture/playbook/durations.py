"""Durations as people write them, and the one place where the clock's pace is applied.

With a pace such as `1 day = 1 s` every duration of the playbook shrinks alike, and open hours and business
days become plain elapsed time, since no calendar can be compressed: a business day is a day, and
`BUSINESS_HOURS` of them make one.
"""

import re
from datetime import timedelta

from nurture.domain.calendar import Span
from nurture.domain.errors import InputError
from nurture.playbook.findings import suggest, wrong

BUSINESS_HOURS = 8
LONGEST = timedelta(days=3660)

_UNITS = {
    timedelta(seconds=1): ("s", "second", "seconds"),
    timedelta(minutes=1): ("min", "minute", "minutes"),
    timedelta(hours=1): ("h", "hour", "hours"),
    timedelta(days=1): ("d", "day", "days"),
    timedelta(weeks=1): ("w", "week", "weeks"),
}
_LENGTH = {name: unit for unit, names in _UNITS.items() for name in names}
_PACE_LENGTH = {**_LENGTH, "ms": timedelta(milliseconds=1)}
_LONG_NAMES = [name for name in _LENGTH if len(name) > 3]
_NO_FIXED_LENGTH = {"month": 30, "months": 30, "year": 365, "years": 365}
_SHAPE = re.compile(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*(business\s+)?([^\W\d]+)\s*", re.IGNORECASE)
_EXAMPLE = 'write a number and a unit, such as "3 days", "48h" or "2 business days"'


class Durations:
    """Reads durations at a pace. Raises InputError for a pace that cannot be read."""

    def __init__(self, pace: str = "") -> None:
        self._factor = _pace(pace) if pace.strip() else None

    @property
    def compressed(self) -> bool:
        """Whether a pace is set, so that windows and calendars are open at all times."""
        return self._factor is not None

    @property
    def day(self) -> timedelta:
        """What the playbook calls a day."""
        return self.scale(timedelta(days=1))

    def scale(self, length: timedelta) -> timedelta:
        return length if self._factor is None else length * self._factor

    def span(self, text: str) -> Span:
        """`3 days`, `8 business hours`, `2 business days`. Raises Wrong."""
        number, business, length = _read(text)
        if not business:
            return Span(elapsed=self.scale(number * length))
        if length not in (timedelta(hours=1), timedelta(days=1)):
            raise wrong(f'"{text}" has no meaning', 'write "business hours" or "business days"')
        whole_days = length == timedelta(days=1)
        if self.compressed:
            days = number if whole_days else number / BUSINESS_HOURS
            return Span(elapsed=self.scale(timedelta(days=days)))
        if not whole_days:
            return Span(open_time=number * length)
        if number != int(number):
            raise wrong(f'"{text}" is not a whole number of days', 'write "business hours" instead')
        return Span(business_days=int(number))

    def elapsed(self, text: str) -> timedelta:
        """A duration that runs on at night and on Sundays. Raises Wrong for business time."""
        if _read(text)[1]:
            raise wrong(f'"{text}" cannot be in business time here', 'such as "3 days" or "72h"')
        return self.span(text).elapsed


def _read(text: str) -> tuple[float, bool, timedelta]:
    """The number, whether it is business time, and how long the unit is."""
    match = _SHAPE.fullmatch(text)
    if not match:
        raise wrong(f'"{text}" is not a duration', _EXAMPLE)
    number, unit = float(match[1]), match[3].lower()
    if unit in _NO_FIXED_LENGTH:
        days = f"{number * _NO_FIXED_LENGTH[unit]:g} days"
        raise wrong(f"a {unit.removesuffix('s')} has no fixed length", f'write "{days}"')
    if unit not in _LENGTH:
        raise wrong(f'unknown unit "{match[3]}"', suggest(unit, _LONG_NAMES))
    if number == 0:
        raise wrong(f'"{text}" is no time at all', "leave it out, or write a longer one")
    if number * _LENGTH[unit] > LONGEST:
        raise wrong(f'"{text}" is longer than ten years', "write a shorter one")
    return number, bool(match[2]), _LENGTH[unit]


def _pace(text: str) -> float:
    """`1 day = 1 s`: what a day of the playbook lasts in reality, as a factor."""
    sides = [_SHAPE.fullmatch(side) for side in text.split("=")]
    if len(sides) == 2 and all(side and not side[2] for side in sides):
        lengths = [
            float(side[1]) * _PACE_LENGTH.get(side[3].lower(), timedelta())
            for side in sides
            if side
        ]
        if all(lengths):
            return lengths[1] / lengths[0]
    raise InputError(f'"{text}" is not a pace; write for example "1 day = 1 s"', "NURTURE_PACE")
