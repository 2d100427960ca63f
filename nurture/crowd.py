"""Many who come into a flow together begin one after another (docs/decisions/0018).

A thousand workflows that start at once would stand before every lead whose next step is due; who waits in the
database stands before nobody.
"""

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from nurture.store import enrolments, wakeups
from nurture.store.tables import WakeupRow

AT_ONCE = 10
"""So many of one transaction begin together; the others one after another (wakeups.SPACING)."""

LET_IN = 5
"""So many for each sender the relay has on their way at once. More would begin no sooner where every processor is busy,
but stand before everybody whose next step is due."""

_BEFORE = "crowd"


def turn(session: AsyncSession, now: datetime) -> datetime | None:
    """When the next one of this transaction begins; None: at once."""
    before = session.info.get(_BEFORE, 0)
    session.info[_BEFORE] = before + 1
    behind = before - AT_ONCE + 1
    return None if behind < 1 else now + enrolments.SOON + behind * wakeups.SPACING


class _LetIn(NamedTuple):
    sender: str
    at: datetime


class Crowd:
    """Whom one relay lets in: for each sender no more while nobody has looked at the last ones."""

    def __init__(self) -> None:
        self._let_in: dict[str, _LetIn] = {}

    def __bool__(self) -> bool:
        """Whether somebody has just been let in, so that more may wait behind."""
        return bool(self._let_in)

    async def take(self, session: AsyncSession, now: datetime) -> list[WakeupRow]:
        """The next ones, leased to the caller. Who was let in longer ago than a lease waits for something else."""
        lately = {key: of for key, of in self._let_in.items() if now - of.at < wakeups.LEASE}
        self._let_in = {}  # with a database that is away now nobody is under way
        waiting = await wakeups.unseen(session, lately, now) if lately else ()
        under_way = Counter(lately[key].sender for key in waiting)
        sender = col(WakeupRow.sender)
        rows = await wakeups.take_beginning(session, now, LET_IN, sender.not_in([*under_way]))
        for its, number in under_way.items():
            if number < LET_IN:
                room = LET_IN - number
                rows += await wakeups.take_beginning(session, now, room, sender == its)
        self._let_in = {key: lately[key] for key in waiting}
        self._let_in |= {row.key: _LetIn(row.sender, now) for row in rows}
        return rows
