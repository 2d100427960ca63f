"""The first page: the funnel with its trend, both promises, and what needs somebody now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from nurture import figures
from nurture.dashboard.versions import Versions
from nurture.domain.periods import Period
from nurture.playbook import Playbook
from nurture.store import figures as counting
from nurture.store import queue
from nurture.store.database import Database
from nurture.store.vitals import for_people
from nurture.versions.shelf import Shelf

STRETCHES = 12
"""Points of a trend, each a twelfth of the promise's period times four."""

_PERIODS = 3


@dataclass(frozen=True)
class Need:
    """Something a person has to look at: what, how many, and the page where it is settled."""

    kind: str
    number: int
    path: str


@dataclass(frozen=True)
class Look:
    report: Mapping[str, Any]
    trend: Mapping[str, Sequence[int]]
    since: datetime
    needs: Sequence[Need]


_NEEDS = {
    "nurture_mails_unknown": ("mails_unknown", "/mails?state=unknown"),
    "nurture_removals_owed": ("removals_owed", "/audiences"),
    "nurture_notices_dead": ("notices_dead", "/system"),
    "nurture_receivers_closed": ("receivers_closed", "/system"),
    "nurture_senders_paused": ("senders_paused", "/system"),
    "nurture_quarantined": ("quarantined", "/system"),
}


class Overview:
    def __init__(self, db: Database, shelf: Shelf, versions: Versions) -> None:
        self._db = db
        self._shelf = shelf
        self._versions = versions

    async def look(self, now: datetime, owner: str | None) -> Look:
        """`owner`: whose handovers are counted under what needs somebody; None: everybody's, and all else."""
        async with self._db.read() as session:
            playbook = await self._shelf.current(session)
            report = await figures.report(session, playbook, now)
            edges = _edges(playbook, await figures.moment(session, playbook, now))
            stretches = [Period("", *pair) for pair in pairwise(edges)]
            counted = await counting.came(session, figures.funnel_of(playbook), stretches)
            late = (await queue.numbers(session, owner, now))["late"]
            found = await for_people(session, now) if owner is None else []
        needs = [Need("handovers_late", late, "/handovers")]
        needs += [
            Need(_NEEDS[vital.name][0], int(vital.value), _NEEDS[vital.name][1])
            for vital in found
            if vital.name in _NEEDS
        ]
        if owner is None:
            findings = await self._versions.findings(playbook.hash)
            needs.append(Need("playbook_findings", len(findings), "/playbook"))
        return Look(report, _trend(counted), edges[0], [need for need in needs if need.number])


def _trend(stretches: Sequence[Mapping[str, int]]) -> dict[str, list[int]]:
    return {mark: [counted[mark] for counted in stretches] for mark in stretches[0]}


def _edges(playbook: Playbook, now: datetime) -> list[datetime]:
    """Where the stretches of a trend begin and end: the last periods of the promise."""
    step = playbook.promise.period * _PERIODS / STRETCHES
    return [now - step * n for n in range(STRETCHES, -1, -1)]
