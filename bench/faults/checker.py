"""Compares what arrived at the receiving ends with what the drill demands. Knows nothing of how it came about.

The only things asked of the product itself are which mails it reports as unknown and when it claimed them, when a
handover was opened, and how many touches it keeps of whom.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.faults import drill
from bench.faults.ends import CREATED, ESCALATED, Ends, Notice
from bench.faults.lateness import ORDINARY, Deadline, deadlines, met
from bench.faults.plan import Outage

_SENT = frozenset(drill.MAILS)
_TOLD = frozenset({CREATED, ESCALATED})


@dataclass(frozen=True)
class Verdict:
    """`stray`: what came and the playbook does not have, or to whom it should not. `doubted`: mails reported as unknown
    although nothing was away that their sending needs. `unknown`: how many are reported so at all."""

    lost: list[str]
    doubled: list[str]
    stray: list[str]
    doubted: list[str]
    disordered: list[str]
    unknown: int
    deadlines: list[Deadline]

    @property
    def clean(self) -> bool:
        """What came is what was wanted. Whether it came in time is for `early` and `unexplained` to say."""
        wrong = self.lost, self.doubled, self.stray, self.doubted, self.disordered
        return not any(wrong)

    def early(self, ordinary: float = ORDINARY) -> list[Deadline]:
        """Before it was due. Nothing explains that: no outage makes anything come sooner, and a clock that is wrong is
        not the one by which it is due. A wait is counted from when the attempt at the mail before it began, which
        took no longer than `ordinary` to come."""
        return [each for each in self.deadlines if each.late < -ordinary]

    def unexplained(self, ordinary: float = ORDINARY) -> list[Deadline]:
        """Later than what was away explains, on a machine that takes so many seconds for anything."""
        return [each for each in self.deadlines if not each.explained(ordinary)]


def judge(count: int, ends: Ends, day: float, outages: Sequence[Outage] = ()) -> Verdict:
    """`count` leads went in; a day of the playbook lasts so many seconds."""
    everyone = [drill.address(n) for n in range(count)]
    came = _came(ends, everyone)
    unknown = {_of(f"{step} to", who): at for (who, step), at in ends.unknown.items()}
    doubted = [mail for mail, at in unknown.items() if not met(at, outages)]
    short = [
        _of(what, who)
        for what, counted, right in came
        for who in everyone
        if counted.get(who, 0) < right
    ]
    return Verdict(
        [each for each in short if each in doubted or each not in unknown],
        [_of(what, who) for what, told, right in came for who, n in told.items() if n > right],
        _stray(ends, came, frozenset(everyone)),
        doubted,
        _disordered(ends.notices),
        len(unknown),
        deadlines(ends.mails, ends.notices, day, outages),
    )


_Came = tuple[str, Mapping[str, int], int]
"""Something, how often it came to whom, and how often it should."""


def _came(ends: Ends, everyone: Iterable[str]) -> list[_Came]:
    listed = {drill.member(who): who for who in everyone}
    mails = Counter((mail.subject, mail.to) for mail in ends.mails)
    notices = Counter((notice.kind, notice.email) for notice in ends.notices)
    return [
        *((f"{step} to", _to_whom(mails, step), 1) for step in drill.MAILS),
        ("handover of", _to_whom(notices, CREATED), 1),
        ("escalation of", _to_whom(notices, ESCALATED), 1),
        ("page of", ends.pages, drill.PAGES),
        ("membership of", Counter(listed.get(member, member) for member in ends.members), 1),
    ]


def _to_whom(counted: Mapping[tuple[str, str], int], what: str) -> Mapping[str, int]:
    return {who: number for (each, who), number in counted.items() if each == what}


def _of(what: str, who: str) -> str:
    return f"{what} {who}"


def _stray(ends: Ends, came: Iterable[_Came], everyone: frozenset[str]) -> list[str]:
    strangers = [_of(what, who) for what, counted, _ in came for who in counted.keys() - everyone]
    mails = [f"{each.subject!r} to {each.to}" for each in ends.mails if each.subject not in _SENT]
    notices = [_of(each.kind, each.email) for each in ends.notices if each.kind not in _TOLD]
    return sorted(strangers) + mails + notices


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
