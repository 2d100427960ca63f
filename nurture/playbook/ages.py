"""When a condition's answer may change although nothing happens, as its words say."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.lead import Touch
from nurture.playbook.durations import Durations
from nurture.playbook.tokens import Token, arguments
from nurture.playbook.usage import CALLS, SHIFTS

_TICK = timedelta(microseconds=1)
"""A window holds its first moment still: its touch has left it only then."""


@dataclass(frozen=True)
class Ages:
    """`windows` in which touches of these names are counted; `last`: names whose last touch grows old by a number of
    `days`, or by a shift; `by_date`: the present is compared with dates, shifted by `shifts`."""

    windows: Collection[tuple[str, timedelta]]
    last: frozenset[str]
    days: Collection[timedelta]
    shifts: Collection[timedelta]
    by_date: bool
    day: timedelta

    def next_change(
        self, touches: Sequence[Touch], dates: Sequence[datetime], now: datetime
    ) -> datetime | None:
        """The next moment at which the answer may be another one; None: there is none. What is compared with the
        present in some other way is looked at once a day."""
        moments = [*self._of_touches(touches), *self._of_dates(dates)]
        later = [moment + _TICK for moment in moments if moment + _TICK > now]
        if self.by_date:
            later.append(now + self.day)
        return min(later, default=None)

    def _of_touches(self, touches: Sequence[Touch]) -> Iterator[datetime]:
        human = [touch for touch in touches if not touch.machine]
        for name, window in self.windows:
            yield from (touch.at + window for touch in human if touch.name == name)
        for name in self.last:
            if times := [touch.at for touch in human if touch.name == name]:
                yield from (max(times) + span for span in (*self.days, *self.shifts))

    def _of_dates(self, dates: Sequence[datetime]) -> Iterator[datetime]:
        if self.by_date:
            yield from (date + shift for date in dates for shift in (timedelta(), *self.shifts))


def ages_of(words: Sequence[Token], durations: Durations) -> Ages:
    """Of a condition whose calls are right."""
    windows, last, shifts = [], set(), set[timedelta]()
    for index, word in enumerate(words):
        if word.kind != "name":
            continue
        given = [each.text for each in arguments(words, index) or []]
        if word.text.rpartition(".")[2] in SHIFTS:
            shift = durations.elapsed(given[0])
            shifts |= {shift, -shift}
        elif word.text in CALLS and len(given) > 1:
            windows.append((given[0], durations.elapsed(given[1])))
        elif CALLS.get(word.text) in ("last", "since"):
            last.add(given[0])
    days = [float(word.text) * durations.day for word in words if word.kind == "number"]
    by_date = any(word.kind == "name" and _present(word.text) for word in words)
    return Ages(windows, frozenset(last), days, shifts, by_date, durations.day)


def _present(name: str) -> bool:
    return name.partition(".")[0] == "now"
