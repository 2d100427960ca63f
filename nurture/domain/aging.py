"""When a condition's answer changes although nothing happens: a window has passed, or a silence lasted long enough."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from nurture.domain import topics
from nurture.domain.lead import Condition, Facts

_AHEAD = (1, 2, 4, 8, 16, 32)
"""Days after which the condition is asked. A change that takes itself back between two of them is not seen."""

_PARTS = 2**20
"""Into so many a day is parted to find the moment: a tenth of a second."""


def ages(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Those whose answer time alone can change."""
    return tuple(each for each in conditions if topics.CLOCK in each.topics)


def next_change(
    conditions: Iterable[Condition], facts: Facts, now: datetime, day: timedelta
) -> datetime | None:
    """The first moment at which one of them answers otherwise if nothing happens, or at which to look again; None:
    there is no condition. `day`: how long one of the playbook's lasts."""
    return min((_changes(each, facts, now, day) for each in conditions), default=None)


def _changes(condition: Condition, facts: Facts, now: datetime, day: timedelta) -> datetime:
    before, answer = now, condition(facts, now)
    for days in _AHEAD:
        after = now + days * day
        if condition(facts, after) != answer:
            return _between(condition, facts, before, after, day / _PARTS)
        before = after
    return before


def _between(
    condition: Condition, facts: Facts, before: datetime, after: datetime, part: timedelta
) -> datetime:
    """The answers at `before` and `after` differ; the first moment with the latter."""
    answer = condition(facts, after)
    while after - before > part:
        middle = before + (after - before) / 2
        if condition(facts, middle) == answer:
            after = middle
        else:
            before = middle
    return after
