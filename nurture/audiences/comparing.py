"""Every lead compared with an audience's rule, page by page: once a day, and before a changed rule is in force."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

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
from nurture.versions import on_paper

_PAGE = 500


@dataclass(frozen=True)
class Effect:
    """What a changed playbook would do to one audience. `members`: who should be on it now."""

    audience: str
    members: int
    adds: int
    removes: int


async def compare(outbox: Outbox, playbook: Playbook, audience: Audience, now: datetime) -> None:
    """Mark where each lead should be, going on where an interrupted comparison stopped; first, who is to be named
    again."""
    if audience.refresh:
        older = now - audience.refresh
        await outbox.in_pieces(lambda session: audiences.refresh(session, audience.id, older, now))
    while True:
        async with outbox.write() as session:
            state = await ad_lists.state(session, audience.id)
            if state is None:
                return
            whom = _whom(audience).with_for_update(of=LeadRow)
            page = await _page(session, playbook, whom, _key(audience), state.cursor, now)
            for about in page:
                _align(session, audience, about, now)
            if len(page) < _PAGE:
                state.cursor, state.compared_at, state.compared_by = "", now, playbook.hash
                return
            state.cursor = page[-1].row.id


async def effects(db: Database, playbook: Playbook, now: datetime) -> list[Effect]:
    """How many `playbook` would add to and remove from each audience; nothing changes."""
    async with db.read() as session:
        counts = await ad_lists.counts(session)
    members = {name: count.desired for name, count in counts.items()}
    adds = Counter[str]()
    removes = Counter({name: members[name] for name in members.keys() - playbook.audiences.keys()})
    if playbook.audiences:
        async for about in _everyone(db, playbook, now):
            for name, audience in playbook.audiences.items():
                row, wanted = about.members.get(name), _belongs(audience, about, now)
                adds[name] += wanted and not (row and row.desired)
                removes[name] += bool(row and row.desired) and not wanted
    return [
        Effect(name, members.get(name, 0), adds[name], removes[name])
        for name in sorted({*playbook.audiences, *members})
    ]


async def _everyone(db: Database, playbook: Playbook, now: datetime) -> AsyncIterator[Dossier]:
    cursor = ""
    while True:
        async with db.read() as session:
            page = await _page(session, playbook, select(LeadRow), col(LeadRow.id), cursor, now)
        for about in page:
            yield about
        if len(page) < _PAGE:
            return
        cursor = page[-1].row.id


def _whom(audience: Audience) -> Any:
    """Without a rule only those matter whom a flow once put on the list."""
    if audience.when is not None:
        return select(LeadRow)
    mine = col(AudienceMemberRow.lead_id) == col(LeadRow.id)
    there = col(AudienceMemberRow.audience) == audience.id
    return select(LeadRow).join(AudienceMemberRow, mine).where(there)


def _key(audience: Audience) -> Any:
    """What `_whom` are found by, one after another: SQLite sorts all members by anything else."""
    return col(LeadRow.id if audience.when is not None else AudienceMemberRow.lead_id)


async def _page(
    session: AsyncSession, playbook: Playbook, whom: Any, key: Any, after: str, now: datetime
) -> list[Dossier]:
    """The next of these leads, as `playbook` has them, in the order of their id, which is the `key`."""
    query = whom.where(key > after).order_by(key).limit(_PAGE)
    rows = list((await session.execute(query)).scalars())
    page = await load(session, rows, now)
    known = {about.row.id: about.facts for about in page}
    facts = await on_paper.current(session, playbook, rows, known, now)
    return [replace(about, facts=facts[about.row.id]) for about in page]


def _belongs(audience: Audience, about: Dossier, now: datetime) -> bool:
    member = audiences.membership(about.row.id, about.members.get(audience.id))
    return belongs(audience, about.facts, member, now)


def _align(session: AsyncSession, audience: Audience, about: Dossier, now: datetime) -> None:
    row, desired = about.members.get(audience.id), _belongs(audience, about, now)
    if row is None and desired:
        row = audiences.enter(session, audience.id, about.row.id, now)
    if row:
        audiences.align(row, about.facts, audience, desired, now)
