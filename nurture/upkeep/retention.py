"""What is older than the playbook allows is forgotten, a page at a time."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.intake.identity import USER
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.store import enrolments, erasing
from nurture.store.database import Database
from nurture.store.feedback_tables import FeedbackRow
from nurture.store.tables import (
    ConsentRequestRow,
    IdentityRow,
    LeadRow,
    QuarantineRow,
    TouchRow,
)
from nurture.upkeep import unconfirmed
from nurture.versions.shelf import Shelf

PAGE = 500


class Retention:
    """Looks through once a day of the playbook, and then until nothing is left that is too old."""

    def __init__(
        self, db: Database, outbox: Outbox, shelf: Shelf, browsers: Collection[str] = ()
    ) -> None:
        """`browsers`: sources whose word proves nothing of a person."""
        self._db = db
        self._outbox = outbox
        self._shelf = shelf
        self._browsers = browsers
        self._next: datetime | None = None

    async def page(self, now: datetime) -> int:
        """Forget the next rows; how many. 0 also while it is not time yet."""
        if self._next and now < self._next:
            return 0
        async with self._db.read() as session:
            playbook = await self._shelf.current(session)
            visitors = await _old_visitors(session, playbook, now)
            asked = await _old_requests(session, playbook, now)
            touches = await _old_touches(session, playbook, now)
            aside = await _old_quarantine(session, playbook, now)
            news = await _old_feedback(session, playbook, now)
        gone = sum(map(len, (touches, visitors, asked, aside, news)))
        if gone:
            async with self._outbox.write() as session:
                await self._forget(session, visitors, asked, now)
                leads_ = await _leads_of(session, touches)
                await _drop(session, TouchRow.id, touches)
                await _score_again(session, leads_, now)
                await _drop(session, QuarantineRow.id, aside)
                await _drop(session, FeedbackRow.id, news)
        else:
            self._next = now + playbook.day
        return gone

    async def _forget(
        self,
        session: AsyncSession,
        visitors: Sequence[str],
        asked: Mapping[int, str],
        now: datetime,
    ) -> None:
        """The requests, and of the leads those who are as unknown as they were when we looked."""
        ids = sorted({*visitors, *asked.values()})
        if not ids:
            return
        locked = select(LeadRow).where(col(LeadRow.id).in_(ids)).order_by(col(LeadRow.id))
        held = (await session.execute(locked.with_for_update())).scalars().all()
        await _drop(session, ConsentRequestRow.id, [*asked])
        # what the rows say is not asked again: SQLite would look through all of whom it is true
        nameless = {row.id for row in held if row.email is None}.intersection(visitors)
        standing = {row.id for row in held if _stands(row)}.intersection(asked.values())
        nobody = and_(col(LeadRow.id).in_(nameless), ~_named())
        doubtful = unconfirmed.nothing_else(standing, self._browsers)
        rows = (await session.execute(select(LeadRow).where(or_(nobody, doubtful)))).scalars().all()
        await enrolments.end_all(session, [row.id for row in rows], erasing.ERASED, now)
        await erasing.anonymise(session, rows, now)


async def _old_touches(session: AsyncSession, playbook: Playbook, now: datetime) -> Sequence[str]:
    """But of those who may still confirm, or are yet to be looked at since they did not: by their touches is seen how
    they came."""
    asked = select(ConsentRequestRow.id).where(
        col(ConsentRequestRow.lead_id) == col(TouchRow.lead_id),
        col(ConsentRequestRow.confirmed_at).is_(None),
    )
    kept = playbook.retention.touches
    return await _ids(session, TouchRow, TouchRow.received_at, kept, now, ~asked.exists())


async def _old_quarantine(
    session: AsyncSession, playbook: Playbook, now: datetime
) -> Sequence[int]:
    return await _ids(session, QuarantineRow, QuarantineRow.at, playbook.retention.quarantine, now)


async def _old_feedback(session: AsyncSession, playbook: Playbook, now: datetime) -> Sequence[str]:
    """What came of it stands in the ledger; the words it came in go."""
    kept = playbook.retention.feedback
    return await _ids(session, FeedbackRow, FeedbackRow.received_at, kept, now)


async def _old_visitors(session: AsyncSession, playbook: Playbook, now: datetime) -> Sequence[str]:
    """Browsers that nobody identified in, by address or user id, without a touch for so long. The oldest first, so that
    those who are too young are not looked through."""
    if playbook.retention.visitors is None:
        return []
    since = now - playbook.retention.visitors
    lately = select(col(TouchRow.lead_id)).where(
        col(TouchRow.lead_id) == col(LeadRow.id), col(TouchRow.received_at) > since
    )
    query = select(col(LeadRow.id)).where(
        col(LeadRow.email).is_(None),
        ~_named(),
        col(LeadRow.stage) == playbook.lifecycle.stages[0].id,
        col(LeadRow.merged_into).is_(None),
        col(LeadRow.erased_at).is_(None),
        col(LeadRow.created_at) <= since,
        ~lately.exists(),
    )
    oldest = query.order_by(col(LeadRow.created_at)).limit(PAGE)
    return (await session.execute(oldest)).scalars().all()


async def _old_requests(
    session: AsyncSession, playbook: Playbook, now: datetime
) -> Mapping[int, str]:
    """What a form asked for so long ago that nobody will confirm it, with whom it was asked of."""
    if playbook.retention.unconfirmed is None:
        return {}
    return await unconfirmed.requests(session, now - playbook.retention.unconfirmed, PAGE)


def _named() -> ColumnElement[bool]:
    """Whether the lead goes by more than an address or a browser."""
    named = select(col(IdentityRow.lead_id)).where(
        col(IdentityRow.lead_id) == col(LeadRow.id), col(IdentityRow.kind) == USER
    )
    return named.exists()


def _stands(row: LeadRow) -> bool:
    """Neither joined into another nor erased."""
    return row.merged_into is None and row.erased_at is None


async def _ids(
    session: AsyncSession,
    table: Any,
    at: Any,
    kept: timedelta | None,
    now: datetime,
    *which: ColumnElement[bool],
) -> Sequence[Any]:
    if kept is None:
        return []
    query = select(table.id).where(col(at) <= now - kept, *which).limit(PAGE)
    return list((await session.execute(query)).scalars())


async def _drop(session: AsyncSession, key: Any, ids: Sequence[Any]) -> None:
    if ids:
        await session.execute(delete(key.class_).where(col(key).in_(ids)))


async def _leads_of(session: AsyncSession, touches: Sequence[str]) -> Sequence[str]:
    query = select(col(TouchRow.lead_id)).where(col(TouchRow.id).in_(touches)).distinct()
    return (await session.execute(query)).scalars().all()


async def _score_again(session: AsyncSession, ids: Sequence[str], now: datetime) -> None:
    """Points live no longer than the touch that explains them; the relay scores whoever is due."""
    due = update(LeadRow).where(col(LeadRow.id).in_(ids), col(LeadRow.erased_at).is_(None))
    await session.execute(due.values(next_score_at=now, tally=None))
