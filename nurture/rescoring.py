"""A changed rule set means new scores for everybody: page by page, and counted before it happens."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, or_, select

from nurture.domain import scoring
from nurture.domain.lead import Facts, Touch
from nurture.domain.lifecycle import Stage
from nurture.domain.scoring import Entry
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.reactions import Reactions
from nurture.shelf import Shelf
from nurture.store import leads
from nurture.store.tables import LeadRow, TouchRow

PAGE = 200


@dataclass(frozen=True)
class Crossing:
    """How many leads come to fulfil a stage's rule by an edit, and how many no longer do."""

    stage: str
    up: int
    down: int


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
            if playbook.hash != self._by:
                self._by, self._after, self._next = playbook.hash, "", None
            if self._next and now < self._next:
                return 0
            query = _stale(playbook).where(col(LeadRow.id) > self._after).limit(PAGE)
            rows = list((await session.execute(query.with_for_update())).scalars())
            for row in rows:
                row.scored_by, row.tally = playbook.hash, None
            live = [(row, ()) for row in rows if row.erased_at is None and not row.merged_into]
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


async def crossings(
    session: AsyncSession, before: Playbook, after: Playbook, now: datetime
) -> list[Crossing]:
    """Per stage with a rule, in order, how many leads would fulfil it newly or no longer. Changes nothing."""
    stages = [stage for stage in after.lifecycle.stages if stage.when]
    old = {stage.id: stage for stage in before.lifecycle.stages}
    up, down = dict.fromkeys(_ids(stages), 0), dict.fromkeys(_ids(stages), 0)
    async for facts, touches in _everybody(session, now):
        was, becomes = _scored(before, facts, touches, now), _scored(after, facts, touches, now)
        for stage in stages:
            held, holds = _holds(old.get(stage.id), was, now), _holds(stage, becomes, now)
            up[stage.id] += holds and not held
            down[stage.id] += held and not holds
    return [Crossing(id_, up[id_], down[id_]) for id_ in _ids(stages)]


def _stale(playbook: Playbook) -> Any:
    by = col(LeadRow.scored_by)
    return select(LeadRow).where(or_(by.is_(None), by != playbook.hash)).order_by(col(LeadRow.id))


async def _touches(session: AsyncSession, ids: Sequence[str]) -> dict[str, list[Touch]]:
    query = select(TouchRow).where(col(TouchRow.lead_id).in_(ids))
    found: dict[str, list[Touch]] = {}
    for row in (await session.execute(query)).scalars():
        touch = Touch(row.id, row.name, row.at, row.properties, row.machine)
        found.setdefault(row.lead_id, []).append(touch)
    return found


async def _everybody(
    session: AsyncSession, now: datetime
) -> AsyncIterator[tuple[Facts, list[Touch]]]:
    """All leads that are somebody, a page at a time."""
    after = ""
    while True:
        query = select(LeadRow).where(
            col(LeadRow.id) > after,
            col(LeadRow.erased_at).is_(None),
            col(LeadRow.merged_into).is_(None),
        )
        rows = list((await session.execute(query.order_by(col(LeadRow.id)).limit(PAGE))).scalars())
        if not rows:
            return
        ids = [row.id for row in rows]
        facts, touches = await leads.facts_of(session, rows, now), await _touches(session, ids)
        for row in rows:
            yield facts[row.id], touches.get(row.id, [])
        after = ids[-1]


def _scored(playbook: Playbook, facts: Facts, touches: Sequence[Touch], now: datetime) -> Facts:
    earned = _earned(playbook, touches)
    return replace(facts, score=scoring.score(playbook.scoring, facts, earned, now))


def _earned(playbook: Playbook, touches: Sequence[Touch]) -> list[Entry]:
    return [entry for touch in touches for entry in scoring.entries(playbook.scoring, touch)]


def _holds(stage: Stage | None, facts: Facts, now: datetime) -> bool:
    return bool(stage and stage.when and stage.when(facts, now))


def _ids(stages: Sequence[Stage]) -> list[str]:
    return [stage.id for stage in stages]
