"""The stretches of time that figures are counted over: calendar months on the company's clock, or the last days."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from nurture.domain.errors import InputError

_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Period:
    """From `start` to before `end`, both in UTC. `name` is 2026-11 for a month, else the day it ends."""

    name: str
    start: datetime
    end: datetime
    monthly: bool = True


EVER = Period("", datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), monthly=False)
"""Since the beginning, and whatever is to come."""


def month(name: str, zone: tzinfo) -> Period:
    """The calendar month `YYYY-MM` of this century on clocks in `zone`. Raises InputError for anything else."""
    found = _MONTH.fullmatch(name)
    if not found:
        raise InputError(f"{name!r} is not a month; write it as 2026-11", "month")
    first = date(int(found[1]), int(found[2]), 1)
    return Period(name, _midnight(first, zone), _midnight(_next(first), zone))


def month_of(at: datetime, zone: tzinfo) -> Period:
    """The calendar month that clocks in `zone` show at that moment."""
    return month(f"{at.astimezone(zone):%Y-%m}", zone)


def month_before(period: Period, zone: tzinfo) -> Period:
    return month_of(period.start - timedelta(seconds=1), zone)


def months_until(last: Period, number: int, zone: tzinfo) -> list[Period]:
    """`number` months, the oldest first."""
    found = [last]
    while len(found) < number:
        found.append(month_before(found[-1], zone))
    return found[::-1]


def sliding(end: datetime, length: timedelta) -> Period:
    """The stretch of that length that ends now."""
    return Period(f"{end:%Y-%m-%d}", end - length, end, monthly=False)


def _next(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
