"""When a condition's answer may change although nothing happens, as its words say."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.playbook.durations import LONGEST, Durations
from nurture.playbook.tokens import Token, arguments
from nurture.playbook.usage import CALLS, SHIFTS

_TICK = timedelta(microseconds=1)
"""A window holds its first moment still: its touch has left it only then."""

_COMPARING = ("<", "<=", ">", ">=", "==", "!=")
_BESIDE = ("(", ")", "&&", "||", "?", ":", ",", "[", "]")
"""What may stand beside a comparison without counting with either side of it."""

_CALL = 4
"""The words of `touches.since("page")`."""

_MOST_DAYS = LONGEST / timedelta(days=1)
"""More than any duration has. A larger number is something else than days: revenue, points."""


@dataclass(frozen=True)
class Ages:
    """`windows` in which touches of these names are counted; `last`: names whose last touch grows old by a number of
    `days`, or by a shift; `counted`: those whose age is compared with something else than one number; `by_date`: the
    present is compared with dates, shifted by `shifts`."""

    windows: Collection[tuple[str, timedelta]]
    last: frozenset[str]
    counted: frozenset[str]
    days: Collection[timedelta]
    shifts: Collection[timedelta]
    by_date: bool
    day: timedelta

    def next_change(
        self, times: Mapping[str, Sequence[datetime]], dates: Sequence[datetime], now: datetime
    ) -> datetime | None:
        """The next moment at which the answer may be another one; None: there is none. `times` of the touches by their
        names. What asks for the time in some other way is looked at once a day."""
        moments = [*self._of_touches(times), *self._of_dates(dates, now)]
        later = [moment + _TICK for moment in moments if moment + _TICK > now]
        if self.by_date or self.counted & times.keys():
            later.append(now + self.day)
        return min(later, default=None)

    def _of_touches(self, times: Mapping[str, Sequence[datetime]]) -> Iterator[datetime]:
        for name, window in self.windows:
            yield from (at + window for at in times.get(name, ()))
        for name in self.last & times.keys():
            yield from (max(times[name]) + span for span in (*self.days, *self.shifts))

    def _of_dates(self, dates: Sequence[datetime], now: datetime) -> Iterator[datetime]:
        """What is further away than any shift goes has its turn later: the calendar ends with the year 9999."""
        near = [date for date in dates if abs(date - now) <= 2 * LONGEST] if self.by_date else []
        yield from (date + shift for date in near for shift in (timedelta(), *self.shifts))


def ages_of(words: Sequence[Token], durations: Durations) -> Ages:
    """Of a condition whose calls are right."""
    windows, last, counted, shifts = [], set(), set(), set[timedelta]()
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
            if CALLS[word.text] == "since" and not _with_one_number(words, index):
                counted.add(given[0])
    numbers = [_number(word.text) for word in words if word.kind == "number"]
    days = [number * durations.day for number in numbers if number <= _MOST_DAYS]
    by_date = any(word.kind == "name" and _present(word.text) for word in words)
    return Ages(windows, frozenset(last), frozenset(counted), days, shifts, by_date, durations.day)


def _with_one_number(words: Sequence[Token], index: int) -> bool:
    """Whether what the call there gives, of one argument, is compared with a number, both as they stand."""
    before, after = words[:index][::-1], words[index + _CALL :]
    return any(
        _is_beside(near)
        and len(far) > 1
        and far[0].text in _COMPARING
        and far[1].kind == "number"
        and _is_beside(far[2:])
        for near, far in ((before, after), (after, before))
    )


def _is_beside(words: Sequence[Token]) -> bool:
    return not words or (words[0].kind == "sign" and words[0].text in _BESIDE)


def _number(text: str) -> float:
    """A literal of CEL: `30`, `4.5`, `.5`, `1e+3`, `30u`, `0x1e`."""
    text = text.lower().removesuffix("u")
    return float(int(text, 16)) if text.startswith("0x") else float(text)


def _present(name: str) -> bool:
    return name.partition(".")[0] == "now"
