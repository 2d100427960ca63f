"""Who gets the figures, and when, on the company's clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal

from nurture.domain import periods
from nurture.domain.calendar import moment_of

Every = Literal["month", "week", "day"]

DAYS: dict[str, int] = {"month": 30, "week": 7, "day": 1}
"""How many of the playbook's days lie between two reports when its clock is compressed."""


@dataclass(frozen=True)
class ReportPlan:
    """Sent at `at` on the first of each month, on each Monday or each day.

    `to` are addresses, `webhooks` names of the playbook's webhooks, `language` is en or da.
    """

    id: str
    title: str
    every: Every
    at: time = time(8)
    to: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    language: str = "en"

    def month(self, now: datetime, zone: tzinfo) -> str:
        """The month a report sent now is about: the one that is over, or the running one ("")."""
        if self.every != "month":
            return ""
        return periods.month_before(periods.month_of(now, zone), zone).name

    def interval(self, day: timedelta) -> timedelta:
        """Between two reports, when the playbook's days are that long."""
        return max(DAYS[self.every] * day, timedelta(seconds=1))

    def put_forward(self, zone: tzinfo, first: date, days: int) -> Iterator[datetime]:
        """Of so many days from `first` on those whose clock leaves `at` out: the moment at which it goes on then."""
        for day in (first + timedelta(days=number) for number in range(days)):
            at = moment_of(day, self.at, zone).astimezone(zone)
            if self._falls_on(day) and at.replace(tzinfo=None) != datetime.combine(day, self.at):
                yield at

    def _falls_on(self, day: date) -> bool:
        match self.every:
            case "month":
                return day.day == 1
            case "week":
                return day.weekday() == 0
            case "day":
                return True
