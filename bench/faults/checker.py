"""Compares what arrived at the receiving ends with what the drill demands. Knows nothing of how it came about.

The only things asked of the product itself are which mails it reports as unknown, and when a handover was opened.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from bench.faults import drill
from bench.faults.plan import Outage

CREATED, ESCALATED = "lead.handover.created", "lead.handover.escalated"


@dataclass(frozen=True)
class Mail:
    """As it lies in the inbox; `at` is when it came, by the inbox's clock."""

    to: str
    subject: str
    at: datetime


@dataclass(frozen=True)
class Notice:
    """As sales' receiver took it, in order. `happened` is what it says itself, `at` when it came, by the receiver's
    clock."""

    kind: str
    handover: str
    email: str
    happened: datetime
    at: datetime


@dataclass(frozen=True)
class Ends:
    """The receiving ends, and what the product says of itself: unknown mails as (address, step)."""

    mails: Sequence[Mail]
    notices: Sequence[Notice]
    members: int
    unknown: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Deadline:
    """Something that was `due` and came `at`. `away`: seconds of outages in between. `calm`: no outage in between, nor
    in the minute before."""

    what: str
    due: datetime
    at: datetime
    away: float
    calm: bool

    @property
    def late(self) -> float:
        return (self.at - self.due).total_seconds()

    @property
    def beyond(self) -> float:
        """Seconds later than the outages explain."""
        return self.late - self.away


@dataclass(frozen=True)
class Verdict:
    lost: list[str]
    doubled: list[str]
    disordered: list[str]
    unknown: int
    deadlines: list[Deadline]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.disordered)


def judge(count: int, ends: Ends, day: float, outages: Sequence[Outage] = ()) -> Verdict:
    """`count` leads went in; a day of the playbook lasts so many seconds."""
    wanted = [(drill.address(n), step) for n in range(count) for step in drill.MAILS]
    got = Counter((mail.to, mail.subject) for mail in ends.mails)
    made = Counter(notice.email for notice in ends.notices if notice.kind == CREATED)
    told = Counter(notice.email for notice in ends.notices if notice.kind == ESCALATED)
    everyone = [drill.address(n) for n in range(count)]
    lost = [f"{step} to {who}" for who, step in wanted if not got[who, step]]
    lost = [each for each in lost if _pair(each) not in ends.unknown]
    lost += [f"handover of {who}" for who in everyone if not made[who]]
    lost += [f"escalation of {who}" for who in everyone if not told[who]]
    if ends.members != count:
        lost.append(f"{count - ends.members} members of the audience")
    doubled = [f"{step} to {who}" for (who, step), number in got.items() if number > 1]
    doubled += [
        f"{what} of {who}"
        for what, counted in (("handover", made), ("escalation", told))
        for who, number in counted.items()
        if number > 1
    ]
    deadlines = [_deadline(*each, outages) for each in _due(ends, timedelta(seconds=day))]
    return Verdict(lost, doubled, _disordered(ends.notices), len(ends.unknown), deadlines)


def _pair(each: str) -> tuple[str, str]:
    step, _, who = each.partition(" to ")
    return who, step


def _disordered(notices: Iterable[Notice]) -> list[str]:
    """Handovers of which something came before the handover itself."""
    seen: set[str] = set()
    found = []
    for notice in notices:
        if notice.kind == CREATED:
            seen.add(notice.handover)
        elif notice.handover not in seen:
            found.append(notice.handover)
    return found


_SHADOW = timedelta(minutes=1)
"""So long after an outage what it held up may still be made up for."""


def _deadline(what: str, due: datetime, at: datetime, outages: Iterable[Outage]) -> Deadline:
    away = sum(outage.within(due, at) for outage in outages)
    calm = not any(outage.within(due - _SHADOW, at) for outage in outages)
    return Deadline(what, due, at, away, calm)


def _due(ends: Ends, day: timedelta) -> Iterable[tuple[str, datetime, datetime]]:
    """Each mail after the first is due a day after the one before, a handover at once after the last of them, its
    escalation so many days after it was opened: what, when it was due and when it came."""
    arrived = {(mail.to, mail.subject): mail.at for mail in ends.mails}
    for before, step in pairwise(drill.MAILS):
        for (who, subject), at in arrived.items():
            if subject == before and (next_ := arrived.get((who, step))):
                yield f"{step} to {who}", at + day, next_
    opened = {each.handover: each for each in ends.notices if each.kind == CREATED}
    for handover in opened.values():
        if last := arrived.get((handover.email, drill.MAILS[-1])):
            yield f"handover of {handover.email}", last, handover.at
    for notice in ends.notices:
        if notice.kind == ESCALATED and notice.handover in opened:
            due = opened[notice.handover].happened + drill.ESCALATED_AFTER * day
            yield f"escalation of {notice.email}", due, notice.at
