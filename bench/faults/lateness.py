"""How late each deadline was (less than nothing: early), and how much of that what was away explains.

Only a part that a deadline needs explains anything. Taking touches is all that a server is for, an ad platform has no
deadlines, and a clock that is wrong explains nothing at all: everything here is due by Temporal's time.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from bench.faults import drill
from bench.faults.ends import CREATED, ESCALATED, Call, Ends, Notice
from bench.faults.plan import Outage

CATCH_UP = 5.0
"""Seconds after an outage within which all that it held up is done: the promise (docs/decisions/0021)."""

ORDINARY = 2.0
"""Seconds that anything may take while nothing is away, on a machine with nothing to spare; what it does take, a twin
of the drill shows that nothing befalls."""

_TO_DECIDE = frozenset({"worker", "temporal", "postgres", "disk"})
TO_MAIL = _TO_DECIDE | {"smtp"}
_TO_TELL = TO_MAIL | {"webhook", "storm"}
TO_CALL = TO_MAIL | {"crm"}
"""What a handover or a call waits for is a mail, which may have come and not be known of."""

_UNDER_WAY = timedelta(seconds=1)
"""So long it takes at most that what came is also known to have come."""

_TRUSTED = timedelta(seconds=10)
"""Temporal learns so long after a worker was killed that it is gone, and gives it work until then."""

_SHADOW = timedelta(minutes=1)
"""What was due so long after any outage is looked at apart: it may have been held up by what was made up for then."""


_Arrived = Mapping[tuple[str, str], datetime]
"""When whom which mail came to."""


@dataclass(frozen=True)
class Due:
    """Something that was `due` at a time, counted from something that came at `since`. It `needs` these parts, and to
    know of what came those `to_begin`: Temporal counts a wait from when it is told of it."""

    what: str
    since: datetime
    due: datetime
    needs: frozenset[str]
    to_begin: frozenset[str]


@dataclass(frozen=True)
class Deadline:
    """Something that was `due` and came `at`. `away`: seconds of outages that held it up, `hits` how many those were.
    `calm`: nothing at all was away in between, nor in the minute before."""

    what: str
    due: datetime
    at: datetime
    away: float
    hits: int
    calm: bool

    @property
    def late(self) -> float:
        return (self.at - self.due).total_seconds()

    @property
    def beyond(self) -> float:
        """Seconds later than the outages lasted."""
        return self.late - self.away

    def explained(self, ordinary: float) -> bool:
        """Each outage explains itself and the seconds in which it is made up for; the machine so many more."""
        return self.beyond <= self.hits * CATCH_UP + ordinary


def deadlines(ends: Ends, day: float, outages: Iterable[Outage]) -> list[Deadline]:
    """`day`: seconds that a day of the playbook lasts."""
    ordered = sorted(outages, key=lambda outage: outage.began)
    arrived = {(mail.to, mail.subject): mail.at for mail in ends.mails}
    found = [
        *_mails_due(arrived, timedelta(seconds=day)),
        *_calls_due(arrived, ends.calls),
        *_notices_due(arrived, ends.notices, timedelta(seconds=day)),
    ]
    return [_deadline(due, at, ordered) for due, at in found]


def met(at: datetime, outages: Iterable[Outage], needs: Container[str]) -> bool:
    """Whether what was begun then and needs these met an outage of theirs, or what one left to be made up for."""
    reach = timedelta(seconds=CATCH_UP)
    return any(
        outage.kind in needs and outage.began - reach < at < outage.ended + reach
        for outage in outages
    )


def _mails_due(arrived: _Arrived, day: timedelta) -> Iterator[tuple[Due, datetime]]:
    """Each mail of a lead after the first is due a day after the one before; and when it came."""
    for before, step in pairwise(drill.MAILS):
        for (who, subject), at in arrived.items():
            if subject == before and (next_ := arrived.get((who, step))):
                yield Due(f"{step} to {who}", at, at + day, TO_MAIL, TO_MAIL), next_


def _calls_due(arrived: _Arrived, calls: Iterable[Call]) -> Iterator[tuple[Due, datetime]]:
    """A call is due at once after the mail before it; and when it first came."""
    first = {call.id: call for call in reversed([*calls])}
    for call in first.values():
        if last := arrived.get((call.email, drill.CALLS.get(call.flow, ""))):
            yield Due(f"call for {call.email}", last, last, TO_CALL, TO_CALL), call.at


def _notices_due(
    arrived: _Arrived, notices: Sequence[Notice], day: timedelta
) -> Iterator[tuple[Due, datetime]]:
    """A handover is due at once after the last of the mails, its escalation so many days after it was opened; and when
    it came."""
    opened = {each.handover: each for each in notices if each.kind == CREATED}
    for handover in opened.values():
        if last := arrived.get((handover.email, drill.MAILS[-1])):
            what = f"handover of {handover.email}"
            yield Due(what, last, last, _TO_TELL, _TO_TELL), handover.at
    for notice in notices:
        if notice.kind == ESCALATED and notice.handover in opened:
            since, what = opened[notice.handover].happened, f"escalation of {notice.email}"
            due = since + drill.ESCALATED_AFTER * day
            yield Due(what, since, due, _TO_TELL, _TO_DECIDE), notice.at


def _deadline(due: Due, at: datetime, outages: Sequence[Outage]) -> Deadline:
    needed = [outage for outage in outages if outage.kind in due.needs]
    begin = _caught(due.since, [each for each in outages if each.kind in due.to_begin])
    end = [each for each in needed if each.ended > due.due - _TRUSTED and each.began < at]
    end = [outage for outage in end if outage not in begin]
    away = sum(outage.within(due.since, at) for outage in begin)
    away += sum(outage.within(due.due, at) for outage in end)
    calm = not any(outage.within(due.due - _SHADOW, at) for outage in outages)
    return Deadline(due.what, due.due, at, away, len(begin) + len(end), calm)


def _caught(moment: datetime, outages: Sequence[Outage]) -> list[Outage]:
    """Those that kept what happened at that moment from being known, in their order: the one that was or came just
    then, and each that came before the one before it was made up for."""
    caught, open_ = [], moment + _UNDER_WAY
    for outage in outages:
        if outage.ended > moment and outage.began < open_:
            caught.append(outage)
            open_ = max(open_, outage.ended + timedelta(seconds=CATCH_UP))
    return caught
