"""A changed rule set means new scores for everybody, page by page."""

from datetime import datetime
from typing import Any

from sqlmodel import col, func, or_, select

from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.reactions import Reactions
from nurture.store import consents
from nurture.store.tables import LeadRow
from nurture.versions.shelf import Shelf

PAGE = 200


class Rescoring:
    """Each lead remembers by which playbook it was scored, so the work goes on where it stopped.

    When a look found everybody scored, the next one is a day of the playbook later, or when another playbook is in
    force: a playbook may come and go between two looks, and a touch be taken by one that has just gone.
    """

    def __init__(self, outbox: Outbox, shelf: Shelf, reactions: Reactions) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._reactions = reactions
        self._by = ""
        self._after = ""
        self._next: datetime | None = None

    async def page(self, now: datetime) -> int:
        """Score the next leads anew; how many. 0 also while it is not time yet."""
        async with self._outbox.write() as session:
            playbook = await self._shelf.current(session)
            if playbook.scored_by != self._by:
                self._by, self._after, self._next = playbook.scored_by, "", None
            if self._next and now < self._next:
                return 0
            query = _stale(playbook).where(col(LeadRow.id) > self._after).limit(PAGE)
            rows = list((await session.execute(query.with_for_update())).scalars())
            for row in rows:
                row.scored_by, row.tally = playbook.scored_by, None
            live = [(row, ()) for row in rows if row.erased_at is None and not row.merged_into]
            await consents.fold(session, [row for row, _ in live])
            await self._reactions.settle_all(session, playbook, live, now)
        if not rows and not self._after:
            self._next = now + playbook.day
        self._after = rows[-1].id if rows else ""
        return len(rows)

    async def left(self) -> int:
        """How many leads still have the score of an earlier playbook."""
        async with self._outbox.read() as session:
            playbook = await self._shelf.current(session)
            stale = _stale(playbook).order_by(None).subquery()
            query = select(func.count()).select_from(stale)
            number = int((await session.execute(query)).scalar_one())
        if number:
            self._next = None
        return number


def _stale(playbook: Playbook) -> Any:
    by = col(LeadRow.scored_by)
    return (
        select(LeadRow).where(or_(by.is_(None), by != playbook.scored_by)).order_by(col(LeadRow.id))
    )
