"""Builders for the pure core's values: a test names only what it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.consent import PURPOSES
from nurture.domain.flow import Cursor, Flow, Step
from nurture.domain.lead import Facts, Lead, Score, Standing, Touch
from nurture.domain.topics import CLOCK

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
"""A Wednesday morning, far from any change of clocks."""

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
BERLIN = ZoneInfo("Europe/Berlin")
AUCKLAND = ZoneInfo("Pacific/Auckland")

_ids = count(1)


@dataclass(frozen=True)
class When:
    """A condition from a Python function of the facts and the time."""

    test: Callable[[Facts, datetime], bool]
    topics: frozenset[str] = frozenset()
    source: str = "a Python function"

    def __call__(self, facts: Facts, now: datetime) -> bool:
        return self.test(facts, now)

    def next_change(self, facts: Facts, now: datetime) -> datetime | None:
        """It looks at nothing that grows old."""
        assert CLOCK not in self.topics
        return None


def when(test: Callable[[Facts], bool], *topics: str) -> When:
    """A condition that looks at the facts only."""
    return When(lambda facts, now: test(facts), frozenset(topics))


ALWAYS_TRUE = when(lambda facts: True)
NEVER_TRUE = when(lambda facts: False)


def lead(**changes: Any) -> Lead:
    """A known lead with an address, unless `changes` say otherwise."""
    return Lead(**{"id": "lead-1", "email": "anna@example.org", "stage": "lead", **changes})


def touch(
    name: str,
    at: datetime = NOW,
    machine: str | None = None,
    known_at: datetime | None = None,
    **properties: Any,
) -> Touch:
    return Touch(f"touch-{next(_ids)}", name, at, properties, machine, known_at)


def standing(**changes: Any) -> Standing:
    """Consents to everything, and nothing speaks against a mail, unless `changes` say otherwise."""
    return Standing(**{"consents": frozenset(PURPOSES), **changes})


def facts(
    *touches: Touch,
    who: Lead | None = None,
    score: Score | None = None,
    **standing_changes: Any,
) -> Facts:
    """A lead in good standing that did `touches`; further arguments change its standing."""
    newest_first = tuple(sorted(touches, key=lambda touch: touch.at, reverse=True))
    return Facts(who or lead(), score or Score(), newest_first, standing(**standing_changes))


def flow(steps: dict[str, Step], **changes: Any) -> Flow:
    """A flow that begins at the first of `steps`."""
    first = next(iter(steps), None)
    return Flow(**{"id": "welcome", "title": "Welcome", "steps": steps, "first": first, **changes})


def at(step: str | None, since: datetime = NOW) -> Cursor:
    return Cursor(step, since)


def local(zone: ZoneInfo, text: str) -> datetime:
    """The moment, in UTC, at which clocks in `zone` show `text` ("2026-10-24 12:00")."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
