"""Compares what arrived at the receiving ends with what the drill demands. Knows nothing of how it came about.

The only thing asked of the product itself is which mails it reports as unknown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bench.faults import drill

CREATED, ESCALATED = "lead.handover.created", "lead.handover.escalated"


@dataclass(frozen=True)
class Mail:
    """As it lies in the inbox."""

    to: str
    subject: str
    at: datetime


@dataclass(frozen=True)
class Notice:
    """As sales' receiver took it, in order; `at` is when it happened."""

    kind: str
    handover: str
    email: str
    at: datetime


@dataclass(frozen=True)
class Ends:
    """The receiving ends, and what the product says of itself: unknown mails as (address, step)."""

    mails: Sequence[Mail]
    notices: Sequence[Notice]
    members: int
    unknown: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Verdict:
    """`late` are seconds between the moment something was due and the moment it happened, sorted."""

    lost: list[str]
    doubled: list[str]
    disordered: list[str]
    unknown: int
    late: list[float]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.disordered)


def judge(count: int, ends: Ends, day: float) -> Verdict:
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
    return Verdict(
        lost, doubled, _disordered(ends.notices), len(ends.unknown), sorted(_late(ends, day))
    )


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


def _late(ends: Ends, day: float) -> Iterable[float]:
    """Each mail after the first is due a day after the one before; an escalation after two days."""
    arrived: Mapping[tuple[str, str], datetime] = {
        (mail.to, mail.subject): mail.at for mail in ends.mails
    }
    for (who, step), at in arrived.items():
        before = drill.MAILS.index(step) - 1
        if before >= 0 and (earlier := arrived.get((who, drill.MAILS[before]))):
            yield (at - earlier).total_seconds() - day
    made = {notice.handover: notice.at for notice in ends.notices if notice.kind == CREATED}
    for notice in ends.notices:
        if notice.kind == ESCALATED and notice.handover in made:
            took = (notice.at - made[notice.handover]).total_seconds()
            yield took - drill.ESCALATED_AFTER * day
