"""Changes that ad platforms took in, until they say what came of them."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain.audience import PATIENCE, asked_next
from nurture.store import audiences
from nurture.store.audience_tables import AdRequestRow, AudienceMemberRow

_Member = AudienceMemberRow

_LOST = 2 * PATIENCE
"""Whose removal nobody settles by then is owed again, whatever became of the request."""


async def began(
    session: AsyncSession, audience: str, accepted: Mapping[str, str], adds: bool, now: datetime
) -> None:
    """The platform took the change in: lead ids, each with its request."""
    by_request: defaultdict[str, list[str]] = defaultdict(list)
    for lead_id, request in accepted.items():
        by_request[request].append(lead_id)
    for id_, lead_ids in by_request.items():
        row = AdRequestRow(id=id_, audience=audience, adds=adds, lead_ids=lead_ids)
        row.accepted_at, row.ask_at = now, asked_next(now, now)
        session.add(row)
        values = {"request": id_} | ({} if adds else {"next_try_at": now + _LOST})
        await audiences.change(session, audience, lead_ids, values)


async def due(session: AsyncSession, audience: str, now: datetime) -> AdRequestRow | None:
    """The next one to ask about, removals first."""
    row = AdRequestRow
    query = select(row).where(col(row.audience) == audience, col(row.ask_at) <= now)
    return (await session.execute(query.order_by(col(row.adds)).limit(1))).scalar_one_or_none()


async def attempts(session: AsyncSession, request: AdRequestRow) -> int:
    """How often its change was tried before: for all of it as often, so some of the leads tell."""
    query = select(func.max(_Member.attempts)).where(
        col(_Member.audience) == request.audience, col(_Member.lead_id).in_(request.lead_ids[:100])
    )
    return (await session.execute(query)).scalar_one() or 0


async def next_due(session: AsyncSession, audience: str) -> datetime | None:
    row = AdRequestRow
    query = select(func.min(row.ask_at)).where(col(row.audience) == audience)
    at: datetime | None = (await session.execute(query)).scalar_one()
    return at


async def made(session: AsyncSession, request: AdRequestRow, now: datetime) -> None:
    """The platform did it. Whom it removed under an earlier name alone may come now."""
    if not request.adds:
        await _change(session, request, {**audiences.GONE, "next_try_at": now})


async def not_made(session: AsyncSession, request: AdRequestRow, why: str, until: datetime) -> None:
    """The platform did not do it: all of it is owed again, at `until`. Who was to be added and is to leave
    meanwhile owes that anyway."""
    owed = {
        "request": None,
        "attempts": col(_Member.attempts) + 1,
        "error": why,
        "next_try_at": until,
    }
    if request.adds:
        await _change(session, request, {**owed, "confirmed": False}, col(_Member.desired))
    else:
        await _change(session, request, owed)


async def _change(
    session: AsyncSession, request: AdRequestRow, values: Mapping[str, Any], *where: Any
) -> None:
    """Of whom nothing else was sent since."""
    latest = col(_Member.request) == request.id
    ids = request.lead_ids
    await audiences.change(session, request.audience, ids, values, latest, *where)


async def carry(session: AsyncSession, audience: str, to: str) -> None:
    """The removals are of another audience from now on."""
    here = (col(AdRequestRow.audience) == audience, ~col(AdRequestRow.adds))
    await session.execute(update(AdRequestRow).where(*here).values(audience=to))


async def forget(session: AsyncSession, audience: str) -> None:
    """The list is no longer where they were made."""
    await session.execute(delete(AdRequestRow).where(col(AdRequestRow.audience) == audience))
