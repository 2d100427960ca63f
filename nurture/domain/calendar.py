"""Business time: when a desk is open, and what "8 business hours from now" means.

All arithmetic goes day by day in the calendar's own zone and converts each day's opening and closing to
UTC once, so DST days are as long as they really are and nothing steps through minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol

_HORIZON = timedelta(days=800)


class HolidayTest(Protocol):
    """Is this date a public holiday?"""

    def __call__(self, day: date, /) -> bool: ...


def no_holidays(day: date) -> bool:
    return False


@dataclass(frozen=True)
class Calendar:
    """Opening hours: weekdays 0-6 (Monday is 0), local times, a zone and holidays."""

    days: frozenset[int] = frozenset(range(5))
    opens: time = time(9)
    closes: time = time(17)
    zone: tzinfo = UTC
    holiday: HolidayTest = no_holidays

    def is_open(self, at: datetime) -> bool:
        return any(start <= at < end for start, end in self._spells(at, at))

    def next_open(self, at: datetime) -> datetime | None:
        """`at` itself when open, else the next opening in UTC; None if there is none in two years."""
        for start, end in self._spells(at, at + _HORIZON):
            if at < end:
                return max(start, at)
        return None

    def add(self, start: datetime, open_time: timedelta) -> datetime | None:
        """The moment at which the desk has been open for `open_time` since `start`."""
        left = open_time
        for opening, closing in self._spells(start, start + _HORIZON + 5 * open_time):
            begin = max(opening, start)
            if begin >= closing:
                continue
            if begin + left <= closing:
                return begin + left
            left -= closing - begin
        return None

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How long the desk is open from `start` to `end`."""
        spells = self._spells(start, end)
        return sum(
            (max(min(c, end) - max(o, start), timedelta()) for o, c in spells), timedelta()
        )

    def add_days(self, start: datetime, days: int) -> datetime | None:
        """The same local time `days` business days later."""
        local = start.astimezone(self.zone)
        day = local.date()
        limit = day + _HORIZON + timedelta(days=7 * days)
        while days > 0 and day < limit:
            day += timedelta(days=1)
            days -= self._is_business_day(day)
        if days > 0:
            return None
        return datetime.combine(day, local.time(), self.zone).astimezone(UTC)

    def _is_business_day(self, day: date) -> bool:
        return day.weekday() in self.days and not self.holiday(day)

    def _spells(self, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Opening and closing in UTC of each business day that may touch first..last."""
        day = first.astimezone(self.zone).date() - timedelta(days=1)
        end = last.astimezone(self.zone).date()
        while day <= end:
            if self._is_business_day(day):
                closing_day = day if self.opens < self.closes else day + timedelta(days=1)
                yield (
                    datetime.combine(day, self.opens, self.zone).astimezone(UTC),
                    datetime.combine(closing_day, self.closes, self.zone).astimezone(UTC),
                )
            day += timedelta(days=1)


ALWAYS = Calendar(days=frozenset(range(7)), opens=time(0), closes=time(0))


@dataclass(frozen=True)
class Span:
    """A marketer's duration: elapsed time, open time, or whole business days."""

    elapsed: timedelta = timedelta()
    open_time: timedelta | None = None
    business_days: int | None = None

    def after(self, start: datetime, calendar: Calendar) -> datetime:
        """When the span that began at `start` is over, in UTC."""
        if self.open_time is not None:
            end = calendar.add(start, self.open_time)
        elif self.business_days is not None:
            end = calendar.add_days(start, self.business_days)
        else:
            end = start + self.elapsed
        if end is None:  # a desk that never opens: fall back to elapsed time rather than wait for ever
            end = start + (self.open_time or timedelta(days=self.business_days or 0))
        return end

    def part(self, start: datetime, fraction: float, calendar: Calendar) -> datetime:
        """When `fraction` (0.5 is half) of the span that began at `start` is over."""
        end = self.after(start, calendar)
        if self.open_time is None and self.business_days is None:
            return start + self.elapsed * fraction
        done = calendar.between(start, end) * fraction
        return calendar.add(start, done) or end
