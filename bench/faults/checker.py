"""Compares what arrived at the receiving ends with what the drill demands. Knows nothing of how it came about.

The only things asked of the product itself are which mails it reports as unknown, when a handover was opened, and how
many touches it keeps of whom.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.faults import drill
from bench.faults.ends import CREATED, ESCALATED, Ends, Notice
from bench.faults.lateness import ORDINARY, Deadline, deadlines
from bench.faults.plan import Outage


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

    def unexplained(self, ordinary: float = ORDINARY) -> list[Deadline]:
        """Later than what was away explains, on a machine that takes so many seconds for anything."""
        return [each for each in self.deadlines if not each.explained(ordinary)]


def judge(count: int, ends: Ends, day: float, outages: Sequence[Outage] = ()) -> Verdict:
    """`count` leads went in; a day of the playbook lasts so many seconds."""
    everyone = [drill.address(n) for n in range(count)]
    got = Counter((mail.to, mail.subject) for mail in ends.mails)
    made = Counter(notice.email for notice in ends.notices if notice.kind == CREATED)
    told = Counter(notice.email for notice in ends.notices if notice.kind == ESCALATED)
    wanted = [(who, step) for who in everyone for step in drill.MAILS]
    lost = [
        f"{step} to {who}"
        for who, step in wanted
        if not got[who, step] and (who, step) not in ends.unknown
    ]
    doubled = [f"{step} to {who}" for (who, step), number in got.items() if number > 1]
    for what, counted, right in (
        ("handover", made, 1),
        ("escalation", told, 1),
        ("page", ends.pages, drill.PAGES),
    ):
        lost += [f"{what} of {who}" for who in everyone if counted.get(who, 0) < right]
        doubled += [f"{what} of {who}" for who, number in counted.items() if number > right]
    if ends.members != count:
        lost.append(f"{count - ends.members} members of the audience")
    return Verdict(
        lost,
        doubled,
        _disordered(ends.notices),
        len(ends.unknown),
        deadlines(ends.mails, ends.notices, day, outages),
    )


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
