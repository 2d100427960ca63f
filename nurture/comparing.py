"""Every lead compared with an audience's rule, page by page: once a day, and before a changed rule is in force."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain.audience import Audience, belongs
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.store import ad_lists, audiences
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.database import Database
from nurture.store.dossiers import Dossier, load
from nurture.store.tables import LeadRow

_PAGE = 500


@dataclass(frozen=True)
class Effect:
    """What a changed playbook would do to one audience. `members`: who should be on it now."""

    audience: str
    members: int
    adds: int
    removes: int


async def compare(outbox: Outbox, playbook: Playbook, audience: Audience, now: datetime) -> None:
    """Mark where each lead should be, going on where an interrupted comparison stopped."""
    while True:
        async with outbox.write() as session:
            state = await ad_lists.state(session, audience.id)
            if state is None:
                return
            page = await _page(session, audience, state.cursor, now, lock=True)
            for about in page:
                _align(session, audience, about, now)
            if len(page) < _PAGE:
                state.cursor, state.compared_at, state.compared_by = "", now, playbook.hash
                if audience.refresh:
                    await session.flush()
                    await audiences.refresh(session, audience.id, now - audience.refresh, now)
                return
            state.cursor = page[-1].row.id


async def effects(db: Database, playbook: Playbook, now: datetime) -> list[Effect]:
    """How many `playbook` would add to and remove from each audience; nothing changes."""
    async with db.read() as session:
        counts = await ad_lists.counts(session)
    found = []
    for name in sorted({*playbook.audiences, *counts}):
        members = counts[name].desired if name in counts else 0
        audience = playbook.audiences.get(name)
        if audience is None:
            found.append(Effect(name, members, 0, members))
            continue
        adds = removes = 0
        async for about in _everyone(db, audience, now):
            row = about.members.get(name)
            wanted = _belongs(audience, about, now)
            adds += wanted and not (row and row.desired)
            removes += bool(row and row.desired) and not wanted
        found.append(Effect(name, members, adds, removes))
    return found


async def _everyone(db: Database, audience: Audience, now: datetime) -> AsyncIterator[Dossier]:
    cursor = ""
    while True:
        async with db.read() as session:
            page = await _page(session, audience, cursor, now, lock=False)
        for about in page:
            yield about
        if len(page) < _PAGE:
            return
        cursor = page[-1].row.id


async def _page(
    session: AsyncSession, audience: Audience, after: str, now: datetime, lock: bool
) -> list[Dossier]:
    """Without a rule only those matter whom a flow once put on the list."""
    query = select(LeadRow).where(col(LeadRow.id) > after).order_by(col(LeadRow.id)).limit(_PAGE)
    if audience.when is None:
        mine = col(AudienceMemberRow.lead_id) == col(LeadRow.id)
        query = query.join(AudienceMemberRow, mine).where(
            col(AudienceMemberRow.audience) == audience.id
        )
    if lock:
        query = query.with_for_update(of=LeadRow)
    return await load(session, list((await session.execute(query)).scalars()), now)


def _belongs(audience: Audience, about: Dossier, now: datetime) -> bool:
    member = audiences.membership(about.row.id, about.members.get(audience.id))
    return belongs(audience, about.facts, member, now)


def _align(session: AsyncSession, audience: Audience, about: Dossier, now: datetime) -> None:
    row, desired = about.members.get(audience.id), _belongs(audience, about, now)
    if row is None and desired:
        row = audiences.enter(session, audience.id, about.row.id, now)
    if row:
        audiences.align(row, about.facts, audience, desired, now)
