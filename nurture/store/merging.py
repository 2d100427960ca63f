"""Joining two leads that turned out to be one person, without losing anything either had."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from nurture.domain.consent import ConsentRecord, held
from nurture.domain.sla import SALES_OWNED, State
from nurture.store import enrolments
from nurture.store.tables import (
    AudienceMemberRow,
    ConsentRow,
    HandoverRow,
    IdentityRow,
    LeadRow,
    MessageRow,
    SaleRow,
    ScoreEntryRow,
    StageChangeRow,
    TouchRow,
)

_MOVED: tuple[type[SQLModel], ...] = (
    IdentityRow,
    TouchRow,
    ScoreEntryRow,
    StageChangeRow,
    ConsentRow,
    SaleRow,
    MessageRow,
)


async def merge(
    session: AsyncSession, stays: LeadRow, goes: LeadRow, rank: Mapping[str, int]
) -> None:
    """Everything of `goes` becomes `stays`'; the emptied row remains and points to where it went."""
    await session.flush()
    for table in _MOVED:
        column: Any = table.__table__.c.lead_id  # type: ignore[attr-defined]
        await session.execute(update(table).where(column == goes.id).values(lead_id=stays.id))
    await _join_runs(session, stays, goes)
    await _join_handovers(session, stays, goes)
    await session.execute(
        update(AudienceMemberRow)
        .where(col(AudienceMemberRow.lead_id) == goes.id)
        .values(desired=False, by_step=False)
    )
    _join_person(stays, goes, rank)
    await session.flush()
    stays.email = stays.email or goes.email
    goes.email, goes.merged_into = None, stays.id
    await fold_consents(session, [stays])
    await session.flush()


async def fold_consents(session: AsyncSession, rows: Sequence[LeadRow]) -> None:
    """Recompute what the leads consent to from all they ever said, in whatever order it arrived."""
    if not rows:
        return
    await session.flush()
    said = defaultdict(list)
    query = select(ConsentRow).where(col(ConsentRow.lead_id).in_([row.id for row in rows]))
    for told in (await session.execute(query)).scalars():
        record = ConsentRecord(told.purpose, told.granted, told.at, told.source, told.wording)
        said[told.lead_id].append(record)
    for row in rows:
        row.consents = sorted(held(said[row.id]))


def tell_traits(row: LeadRow, traits: Mapping[str, Any], at: datetime) -> bool:
    """Take over traits said at `at`, unless something newer is known; None deletes. True if any changed."""
    said, said_at = dict(row.traits), dict(row.traits_at)
    stamp = at.isoformat()
    for name, value in traits.items():
        if said_at.get(name, "") > stamp:
            continue
        said_at[name] = stamp
        if value is None:
            said.pop(name, None)
        else:
            said[name] = value
    changed = said != row.traits
    row.traits, row.traits_at = said, said_at
    return changed


async def _join_runs(session: AsyncSession, stays: LeadRow, goes: LeadRow) -> None:
    """Runs are numbered per lead: the newcomer's go behind. A second active one of a flow ends."""
    mine = await enrolments.of_lead(session, stays.id)
    busy = {row.flow for row in mine if row.ended is None}
    number = max((row.ordinal for row in mine), default=0)
    for row in await enrolments.of_lead(session, goes.id):
        number += 1
        row.ordinal, row.lead_id = number, stays.id
        if row.ended is None and row.flow in busy:
            row.ended, row.wake_at, row.listens = "merged", None, []


async def _join_handovers(session: AsyncSession, stays: LeadRow, goes: LeadRow) -> None:
    """As with runs: sales keeps one of two open handovers of what is one lead."""
    query = select(HandoverRow).where(col(HandoverRow.lead_id).in_([stays.id, goes.id]))
    rows = list((await session.execute(query)).scalars())
    mine = [row for row in rows if row.lead_id == stays.id]
    busy = {row.kind for row in mine if row.state in SALES_OWNED}
    number = max((row.ordinal for row in mine), default=0)
    for row in (row for row in rows if row.lead_id == goes.id):
        number += 1
        if row.state in SALES_OWNED and row.kind in busy:
            row.state, row.outcome = State.RECYCLED, "the lead was joined with another one"
        row.ordinal, row.lead_id = number, stays.id


def _join_person(stays: LeadRow, goes: LeadRow, rank: Mapping[str, int]) -> None:
    for name, value in goes.traits.items():
        told_at = goes.traits_at.get(name, "")
        if name not in stays.traits or stays.traits_at.get(name, "") < told_at:
            stays.traits = {**stays.traits, name: value}
            stays.traits_at = {**stays.traits_at, name: told_at}
    stays.tags = sorted({*stays.tags, *goes.tags})
    stays.cases = sorted({*stays.cases, *goes.cases})
    stays.created_at = min(stays.created_at, goes.created_at)
    firsts = [at for at in (stays.first_touch_at, goes.first_touch_at) if at]
    stays.first_touch_at = min(firsts, default=None)
    stays.suppressed = stays.suppressed or goes.suppressed
    stays.sales_owned = stays.sales_owned or goes.sales_owned
    if rank.get(goes.stage, 0) > rank.get(stays.stage, 0):
        stays.stage = goes.stage
