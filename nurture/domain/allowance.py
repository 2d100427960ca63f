"""How many mails a sender may send a day, and when one that finds no room gets its turn.

A new sending domain that sends thousands at once is taken for spam, so it starts with a few and doubles. Days begin at
midnight UTC. Whoever waits gets a moment of its own on the first day with room, evenly spread, so that a thousand
waiting mails do not all wake at once.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class WarmUp:
    """`first` mails a day from `since` on, doubled every `doubles_every`, over once it would be `until`."""

    since: datetime
    first: int
    doubles_every: timedelta
    until: int


@dataclass(frozen=True)
class Allowance:
    """`a_day` mails at most, None: any number. `day` is what the playbook calls a day."""

    a_day: int | None = None
    warm_up: WarmUp | None = None
    day: timedelta = timedelta(days=1)

    def begin_of(self, at: datetime) -> datetime:
        """When the day of that moment began."""
        return _EPOCH + (at - _EPOCH) // self.day * self.day

    def on(self, at: datetime) -> int | None:
        """How many on the day of that moment; None: any number."""
        ramp = self._ramp(self.begin_of(at))
        return min((limit for limit in (self.a_day, ramp) if limit is not None), default=None)

    def _ramp(self, day: datetime) -> int | None:
        if self.warm_up is None:
            return None
        passed = max(day - self.begin_of(self.warm_up.since), timedelta())
        doublings = passed / self.warm_up.doubles_every
        if doublings > 60:
            return None
        today = int(self.warm_up.first * 2**doublings)
        return today if today < self.warm_up.until else None


@dataclass(frozen=True)
class Line:
    """Mails `sent` today, those `waiting` for a turn later today, and the `last` turn given."""

    sent: int
    waiting: int = 0
    last: datetime | None = None


def turn(allowance: Allowance, line: Line, now: datetime, called: bool = False) -> datetime | None:
    """None: the mail may go now. Else when its turn comes. `called`: it waited, and this is its turn."""
    limit = allowance.on(now)
    if limit is None or line.sent + (0 if called else line.waiting) < limit:
        return None
    tomorrow = allowance.begin_of(now) + allowance.day
    if line.last is None or line.last < tomorrow:
        return tomorrow
    share = allowance.on(line.last)
    return line.last - (-allowance.day // share) if share else line.last
