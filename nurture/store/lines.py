"""Steps of flows that are due, told apart: late, or in the line of a sender that sends no faster.

A sender with a rate has as many mails due at once as its flows have, and they go out one after another. That is late
only once the line no longer moves as the rate says: less than half as fast for minutes, or for longer than it has
mails.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import literal_column
from sqlalchemy import select as select_columns
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.playbook import Playbook
from nurture.store.backlog import Late
from nurture.store.tables import EnrolmentRow, MessageRow

_PATIENCE, _FEW = timedelta(minutes=5), 4
"""So long, or until so many should have gone, a line may be slower than its rate."""


@dataclass(frozen=True)
class Line:
    """Steps of a sender's `flows` that are due, and for how long after the first of them became so the rate `explains`
    it: as many as still wait, and as went since then, may have stood before it."""

    flows: frozenset[str]
    due: Late
    explains: timedelta

    @property
    def late_since(self) -> datetime | None:
        """From when on the rate no longer explains it. None: nothing is due."""
        return self.due.since + self.explains if self.due.since else None

    def is_late(self, at: datetime) -> bool:
        return self.late_since is not None and self.late_since < at


async def due_by_flow(session: AsyncSession, at: datetime) -> dict[str, Late]:
    """Steps that were due at that moment and are not taken."""
    # No bare column: SQLite would read all leads in order of their flows, not the few that are due.
    flow = col(EnrolmentRow.flow).concat(literal_column("''"))
    query = (
        select_columns(flow, func.count(), func.min(EnrolmentRow.wake_at))
        .where(col(EnrolmentRow.wake_at) <= at, col(EnrolmentRow.ended).is_(None))
        .group_by(flow)
    )
    rows = (await session.execute(query)).all()
    return {flow: Late(number, since) for flow, number, since in rows}


async def of_senders(
    session: AsyncSession, book: Playbook, due: Mapping[str, Late], at: datetime
) -> dict[str, Line]:
    """Of each sender with a rate in this playbook, what is due of its flows."""
    found = {}
    for name, sender in book.senders.items():
        if sender.rate is None:
            continue
        flows = frozenset(flow for flow, its in book.sender_of.items() if its == name)
        waiting = _together([due[flow] for flow in flows & due.keys()])
        explains = timedelta()
        if waiting.since:
            explains = await _explained(
                session, name, sender.rate, waiting.number, waiting.since, at
            )
        found[name] = Line(flows, waiting, explains)
    return found


async def _explained(
    session: AsyncSession, sender: str, rate: float, waiting: int, since: datetime, at: datetime
) -> timedelta:
    """For how long the rate explains that mails wait which are due `since` then."""
    patience = max(_PATIENCE, timedelta(seconds=_FEW / rate))
    all_ = (waiting + await _gone(session, sender, since)) / rate
    lately = await _gone(session, sender, at - patience)
    slow = 2 * lately < min(rate * patience.total_seconds(), waiting + lately)
    return min(patience, timedelta(seconds=all_)) if slow else timedelta(seconds=all_)


def late(due: Mapping[str, Late], paced: Collection[Line], at: datetime) -> Late:
    """Of all that is due, what no line explains; of a line that is late, since it is."""
    in_line = frozenset[str]().union(*(line.flows for line in paced))
    others = [each for flow, each in due.items() if flow not in in_line]
    return _together(
        [*others, *(Late(each.due.number, each.late_since) for each in paced if each.is_late(at))]
    )


def _together(each: Sequence[Late]) -> Late:
    since = [late.since for late in each if late.since]
    return Late(sum(late.number for late in each), min(since, default=None))


async def _gone(session: AsyncSession, sender: str, since: datetime) -> int:
    """Mails that had their turn since then, whatever became of them."""
    query = select(func.count()).where(
        col(MessageRow.sender) == sender, col(MessageRow.claimed_at) >= since
    )
    return int((await session.execute(query)).scalar_one())
