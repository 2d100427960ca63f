"""Compares what arrived at the receiving ends with what the drill demands. Knows nothing of how it came about.

The only things asked of the product itself are which mails it reports as unknown and when it claimed them, when a
handover was opened, how many touches it keeps of whom, and whom a call names by an id.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.faults import drill
from bench.faults.ends import CREATED, ESCALATED, Call, Ends, Notice
from bench.faults.lateness import ORDINARY, TO_CALL, TO_MAIL, Deadline, deadlines, met
from bench.faults.plan import Outage

_SENT = frozenset({*drill.MAILS, drill.NEWS})
_TOLD = frozenset({CREATED, ESCALATED})


@dataclass(frozen=True)
class Verdict:
    """`stray`: what came and the playbook does not have, or to whom it should not. `unknown`: how many mails are
    reported so; `again`: how many calls came more than once under their key, by which a receiver knows them; `doubted`:
    those of both that did although nothing was away that they need."""

    lost: list[str]
    doubled: list[str]
    stray: list[str]
    doubted: list[str]
    disordered: list[str]
    unknown: int
    again: int
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
    """`count` leads went in, and their guests; a day of the playbook lasts so many seconds."""
    came = _came(ends, count)
    unknown = {_of(f"{step} to", who): at for (who, step), at in ends.unknown.items()}
    doubted = [mail for mail, at in unknown.items() if not met(at, outages, TO_MAIL)]
    short = [
        _of(each.what, who)
        for each in came
        for who in each.everyone
        if each.counted.get(who, 0) < each.right
    ]
    again = _again(ends.calls)
    return Verdict(
        [each for each in short if each in doubted or each not in unknown],
        [_of(e.what, who) for e in came for who, n in e.counted.items() if n > e.right],
        _stray(ends, came),
        doubted + [f"call for {e.email}" for e in again if not met(e.at, outages, TO_CALL)],
        _disordered(ends.notices),
        len(unknown),
        len(again),
        deadlines(ends, day, outages),
    )


@dataclass(frozen=True)
class _Came:
    """Something, how often it came to whom, how often it should, and to whom."""

    what: str
    counted: Mapping[str, int]
    right: int
    everyone: Sequence[str]


def _came(ends: Ends, count: int) -> list[_Came]:
    leads = [drill.address(n) for n in range(count)]
    guests = [drill.guest(n) for n in range(drill.guests(count))]
    listed = {drill.member(who): who for who in leads}
    mails = Counter((mail.subject, mail.to) for mail in ends.mails)
    notices = Counter((notice.kind, notice.email) for notice in ends.notices)
    keys = {(call.id, call.flow, call.email) for call in ends.calls}
    calls = Counter((flow, who) for _, flow, who in keys)
    members = Counter(listed.get(member, member) for member in ends.members)
    return [
        *(_Came(f"{step} to", _to_whom(mails, step), 1, leads) for step in drill.MAILS),
        _Came(f"{drill.NEWS} to", _to_whom(mails, drill.NEWS), 1, guests),
        _Came("handover of", _to_whom(notices, CREATED), 1, leads),
        _Came("escalation of", _to_whom(notices, ESCALATED), 1, leads),
        _Came("call for", _to_whom(calls, "drill"), 1, leads),
        _Came("call for", _to_whom(calls, "guests"), 1, guests),
        _Came("page of", ends.pages, drill.PAGES, leads),
        _Came("membership of", members, 1, leads),
    ]


def _again(calls: Sequence[Call]) -> list[Call]:
    """Those that came more than once, as they first came."""
    times = Counter(call.id for call in calls)
    first = {call.id: call for call in reversed(calls)}
    return [call for id_, call in first.items() if times[id_] > 1]


def _to_whom(counted: Mapping[tuple[str, str], int], what: str) -> Mapping[str, int]:
    return {who: number for (each, who), number in counted.items() if each == what}


def _of(what: str, who: str) -> str:
    return f"{what} {who}"


def _stray(ends: Ends, came: Iterable[_Came]) -> list[str]:
    strangers = [
        _of(each.what, who) for each in came for who in each.counted.keys() - {*each.everyone}
    ]
    mails = [f"{each.subject!r} to {each.to}" for each in ends.mails if each.subject not in _SENT]
    notices = [_of(each.kind, each.email) for each in ends.notices if each.kind not in _TOLD]
    calls = [_of(each.flow, each.email) for each in ends.calls if each.flow not in drill.CALLS]
    return sorted(strangers) + mails + notices + calls


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
