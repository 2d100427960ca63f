"""Business time: when a desk is open, and what "8 business hours from now" means.

All arithmetic goes day by day in the calendar's own zone and converts each day's opening and closing to
UTC once, so DST days are as long as they really are and nothing steps through minutes. A local time that
the clocks show twice means the first; one that they jump over means the moment of the jump.
"""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Protocol

_DAY = timedelta(days=1)
_HORIZON = timedelta(days=800)


class HolidayTest(Protocol):
    """Is this date a public holiday?"""

    def __call__(self, day: date, /) -> bool: ...


def no_holidays(day: date) -> bool:
    return False


@dataclass(frozen=True)
class Holidays:
    """The public holidays of a country (ISO 3166-1 alpha-2 code), told by `test`."""

    country: str
    test: HolidayTest

    def __call__(self, day: date, /) -> bool:
        return self.test(day)


@dataclass(frozen=True)
class Calendar:
    """Opening hours: weekdays 0-6 (Monday is 0), local times, a zone and holidays.

    A desk that closes at or before the time it opens closes on the day after.
    """

    days: frozenset[int] = frozenset(range(5))
    opens: time = time(9)
    closes: time = time(17)
    zone: tzinfo = UTC
    holiday: HolidayTest = no_holidays

    def in_zone(self, zone: tzinfo | None) -> "Calendar":
        """The same hours on the clocks of `zone`; None: unchanged."""
        return replace(self, zone=zone) if zone else self

    def is_open(self, at: datetime) -> bool:
        return self.next_open(at) == at

    def next_open(self, at: datetime) -> datetime | None:
        """`at` itself when open, else the next opening in UTC; None if there is none in two years."""
        return next((max(start, at) for start, end in self._spells(at) if at < end), None)

    def add(self, start: datetime, open_time: timedelta) -> datetime | None:
        """The first moment at which the desk has been open for `open_time` since `start`."""
        left = open_time
        if left <= timedelta():
            return start
        for opening, closing in self._spells(start):
            begin = max(opening, start)
            if begin + left <= closing:
                return begin + left
            left -= max(closing - begin, timedelta())
        return None

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How long the desk is open from `start` to `end`."""
        total = timedelta()
        for opening, closing in self._spells(start):
            if opening >= end:
                break
            total += max(min(closing, end) - max(opening, start), timedelta())
        return total

    def add_days(self, start: datetime, days: int) -> datetime | None:
        """The same local time `days` business days later."""
        if days <= 0:
            return start
        local = start.astimezone(self.zone)
        later = self._business_days(local.date() + _DAY)
        day = next(islice(later, days - 1, None), None)
        return moment_of(day, local.time().replace(fold=0), self.zone) if day else None

    def _business_days(self, day: date) -> Iterator[date]:
        """Business days from `day` on, without end unless two years pass without one."""
        latest = day
        while day - latest <= _HORIZON:
            if day.weekday() in self.days and not self.holiday(day):
                latest = day
                yield day
            day += _DAY

    def _spells(self, first: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Opening and closing in UTC of each business day, from the day before `first` on."""
        for day in self._business_days(first.astimezone(self.zone).date() - _DAY):
            closing_day = day if self.opens < self.closes else day + _DAY
            opening = moment_of(day, self.opens, self.zone)
            closing = moment_of(closing_day, self.closes, self.zone)
            if opening < closing:
                yield opening, closing


def moment_of(day: date, clock: time, zone: tzinfo) -> datetime:
    """When clocks in `zone` first show `clock` on `day` or, where they jump over it, when they jump."""
    wanted = datetime.combine(day, clock)
    at = wanted.replace(tzinfo=zone).astimezone(UTC)

    def shown(moment: datetime) -> datetime:
        return moment.astimezone(zone).replace(tzinfo=None)

    if shown(at) == wanted:
        return at
    # PEP 495: in a gap, fold=1 gives a moment before the jump and fold=0 one after it.
    before = wanted.replace(tzinfo=zone, fold=1).astimezone(UTC).replace(microsecond=0)
    gap = range(int((at - before).total_seconds()) + 1)
    jump = bisect(gap, wanted, key=lambda seconds: shown(before + timedelta(seconds=seconds)))
    return before + timedelta(seconds=jump)


ALWAYS = Calendar(days=frozenset(range(7)), opens=time(0), closes=time(0))


@dataclass(frozen=True)
class Span:
    """A marketer's duration: elapsed time, open time, or whole business days."""

    elapsed: timedelta = timedelta()
    open_time: timedelta | None = None
    business_days: int | None = None

    @property
    def in_business_time(self) -> bool:
        return self.open_time is not None or self.business_days is not None

    def after(self, start: datetime, calendar: Calendar) -> datetime:
        """When the span that began at `start` is over, in UTC."""
        if self.open_time is not None:
            end = calendar.add(start, self.open_time)
        elif self.business_days is not None:
            end = calendar.add_days(start, self.business_days)
        else:
            end = start + self.elapsed
        if end is None:  # a desk that never opens: elapsed time, rather than waiting for ever
            end = start + (self.open_time or timedelta(days=self.business_days or 0))
        return end

    def part(self, start: datetime, fraction: float, calendar: Calendar) -> datetime:
        """When `fraction` (0.5 is half) of the span that began at `start` is over."""
        end = self.after(start, calendar)
        if self.in_business_time and (open_time := calendar.between(start, end)):
            return calendar.add(start, open_time * fraction) or end
        return start + (end - start) * fraction
