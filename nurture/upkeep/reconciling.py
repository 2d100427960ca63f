"""Does everything that should be going on go on? The database is compared with Temporal and the clock, page by page.

A difference is repaired by waking its workflow: signal-with-start begins one that Temporal lost, and one
that has nothing left to do ends at its next look. Waking one that only seemed lost does no harm, so what
Temporal's list shows some seconds late is no danger. What no workflow acts on, but a loop beside the workers, stands
first in its queue already; that it is late is found all the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.audiences import keeper
from nurture.domain import sla
from nurture.handovers import tenure
from nurture.outbox import Outbox
from nurture.ports import Runs
from nurture.store import ad_lists, audiences, backlog, lines, messages, upkeep, wakeups
from nurture.store.backlog import Standing
from nurture.store.handover_tables import HandoverRow
from nurture.versions.shelf import Shelf

LOST = "nothing ran for it"
IDLE = "a workflow ran with nothing left to do"
OVERDUE = "it was due and nobody acted"

GRACE = timedelta(minutes=15)
"""What began, ended or fell due so lately may simply be under way."""

PAGE = 200
"""Rows in one transaction."""


@dataclass(frozen=True)
class Place:
    """Where the comparison stands: in which part, behind which id."""

    part: str
    after: str = ""


@dataclass(frozen=True)
class _Page:
    """How many were looked at, what was found of what stands still, and where the part goes on (empty: it is over)."""

    looked: int
    found: Mapping[Standing, str]
    after: str = ""


class Reconciling:
    """One page at a time, each in a transaction of its own; looking at one twice changes nothing."""

    def __init__(self, outbox: Outbox, shelf: Shelf, runs: Runs, size: int = PAGE) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._runs = runs
        self._size = size
        self._parts = {
            "enrolments": self._enrolments,
            "handovers": self._handovers,
            "notices": self._notices,
            "audiences": self._audiences,
            "enrolment_workflows": self._enrolment_workflows,
            "handover_workflows": self._handover_workflows,
            "overdue": self._overdue,
        }

    @property
    def first(self) -> Place:
        return Place(next(iter(self._parts)))

    async def page(self, night: str, place: Place, now: datetime) -> Place | None:
        """Compare the next page and repair what differs; where to go on. None: that was all, or a part that only
        another release knows."""
        if place.part not in self._parts:
            return None
        page = await self._parts[place.part](place.after, now)
        following = self._after(place, page)
        async with self._outbox.write() as session:
            row = await upkeep.begin(session, night, now)
            for each, what in page.found.items():
                await upkeep.note(session, night, each.kind, each.key, what, now)
                if each.kind in wakeups.KINDS:
                    wakeups.add(session, each.kind, each.key, now, each.flow)
            looked = row.looked.get(place.part, 0) + page.looked
            row.looked = {**row.looked, place.part: looked}
            row.ended_at = None if following else now
        for each in page.found:
            if each.kind == backlog.REPORT:  # in the outbox the release before would not know it
                await self._outbox.wake(each.kind, each.key)
        return following

    def _after(self, place: Place, page: _Page) -> Place | None:
        if page.after:
            return Place(place.part, page.after)
        parts = list(self._parts)
        later = parts[parts.index(place.part) + 1 :]
        return Place(later[0]) if later else None

    async def _enrolments(self, after: str, now: datetime) -> _Page:
        async with self._outbox.read() as session:
            rows = await upkeep.active(session, after, now - GRACE, self._size)
            keys = [row.id for row in rows]
            to_come = await wakeups.waiting(session, wakeups.ENROLMENT, keys)
            begun = [row for row in rows if row.id not in to_come]
            due = [row for row in begun if row.wake_at and row.wake_at < now - GRACE]
            paced = await self._paced(session, now) if due else frozenset()
            late = {row.id for row in due if row.flow not in paced}
            late -= {*await messages.tried_since(session, late, now - GRACE)}  # put off for now
        flows = {row.id: row.flow for row in begun}
        found = await self._missing(wakeups.ENROLMENT, list(flows), sorted(late), flows)
        return _Page(len(rows), found, self._behind(keys))

    async def _paced(self, session: AsyncSession, now: datetime) -> frozenset[str]:
        """Flows whose mails may be due for long, since their sender has a rate and sends as fast as that."""
        due = await lines.due_by_flow(session, now)
        found = await lines.of_senders(session, await self._shelf.current(session), due, now)
        moving = [line.flows for line in found.values() if not line.is_late(now - GRACE)]
        return frozenset[str]().union(*moving)

    async def _handovers(self, after: str, now: datetime) -> _Page:
        async with self._outbox.read() as session:
            rows = await upkeep.with_sales(session, after, now - GRACE, self._size)
            states = {row.id: await self._stands(session, row, now) for row in rows}
        going_on = [id_ for id_, (runs, _) in states.items() if runs]
        due = {id_ for id_, (_, late) in states.items() if late}
        found = await self._missing(wakeups.HANDOVER, going_on, due)
        return _Page(len(rows), found, self._behind([row.id for row in rows]))

    async def _notices(self, after: str, now: datetime) -> _Page:
        """What is closed may still have something to tell."""
        async with self._outbox.read() as session:
            keys = list(await upkeep.untold(session, after, now - GRACE, self._size))
        found = await self._missing(wakeups.HANDOVER, keys, ())
        return _Page(len(keys), found, self._behind(keys))

    def _behind(self, keys: Sequence[str]) -> str:
        """Where the next page begins; empty when this one was not full."""
        return keys[-1] if len(keys) == self._size else ""

    async def _stands(
        self, session: AsyncSession, row: HandoverRow, now: datetime
    ) -> tuple[bool, bool]:
        """Whether a workflow should run for it, and whether something on it is overdue."""
        playbook = await self._shelf.version(session, row.playbook)
        handover = tenure.read(row, playbook, await self._shelf.current(session))
        late, _ = handover.due(now - GRACE)
        waits = any(deadline.id not in handover.done for deadline in handover.plan)
        return handover.state in sla.RUNNING or waits, bool(late)

    async def _audiences(self, after: str, now: datetime) -> _Page:
        """All of them at once: there are few. One that is in step is compared daily, and one that the playbook
        gave up has to be emptied; only where nobody ever was on a list without a rule is there nothing to do."""
        async with self._outbox.read() as session:
            playbook = await self._shelf.current(session)
            wanted, known = playbook.audiences, await ad_lists.known(session)
            due = {
                name: await keeper.due(session, playbook, state) for name, state in known.items()
            }
            idle = [
                name
                for name in wanted.keys() - known.keys()
                if not wanted[name].when
                and not await audiences.next_due(session, name, adds=True, everyone=False)
            ]
        names = sorted(wanted.keys() | known.keys())
        busy = [name for name in names if name not in idle]
        overdue = [name for name, at in due.items() if at and at < now - GRACE]
        return _Page(len(names), await self._missing(wakeups.AUDIENCE, busy, overdue))

    async def _missing(
        self,
        kind: str,
        keys: list[str],
        overdue: Iterable[str],
        flows: Mapping[str, str] = MappingProxyType({}),
    ) -> dict[Standing, str]:
        running = await self._runs.running(kind, keys) if keys else set()
        lost = dict.fromkeys((key for key in keys if key not in running), LOST)
        found = {**dict.fromkeys(overdue, OVERDUE), **lost}
        return {Standing(kind, key, flows.get(key, "")): what for key, what in found.items()}

    async def _enrolment_workflows(self, after: str, now: datetime) -> _Page:
        keys, following = await self._runs.page(wakeups.ENROLMENT, after)
        async with self._outbox.read() as session:
            idle = await upkeep.ended(session, keys, now - GRACE)
        return _Page(len(keys), _idle(wakeups.ENROLMENT, idle), following)

    async def _handover_workflows(self, after: str, now: datetime) -> _Page:
        keys, following = await self._runs.page(wakeups.HANDOVER, after)
        async with self._outbox.read() as session:
            idle = await upkeep.closed(session, keys, now - GRACE)
        return _Page(len(keys), _idle(wakeups.HANDOVER, idle), following)

    async def _overdue(self, after: str, now: datetime) -> _Page:
        """What has a due time in a row of its own, one kind after another."""
        name, _, key = (after or backlog.TOLD[0]).partition(" ")
        async with self._outbox.read() as session:
            late = await backlog.overdue(session, name, now - GRACE, key, self._size)
        behind = self._behind([each.key for each in late])
        later = backlog.TOLD[backlog.TOLD.index(name) + 1 :]
        following = f"{name} {behind}" if behind else next(iter(later), "")
        return _Page(len(late), dict.fromkeys(late, OVERDUE), following)


def _idle(kind: str, keys: Iterable[str]) -> dict[Standing, str]:
    return {Standing(kind, key): IDLE for key in sorted(keys)}
