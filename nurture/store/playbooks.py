"""Playbook versions, content-addressed and immutable, and which one is in force."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select
from sqlalchemy import select as select_columns
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.store.columns import table
from nurture.store.tables import EnrolmentRow, PlaybookInForceRow, PlaybookRow


class InForce(NamedTuple):
    """The version that decides now, how fast its clock runs, and which of all that were in force it is."""

    hash: str
    pace: str
    number: int


@cache
def _latest() -> Select[Any]:
    row = table(PlaybookInForceRow).c
    return select_columns(row.hash, row.pace, row.id).order_by(row.id.desc()).limit(1)


async def in_force(session: AsyncSession) -> InForce | None:
    """Asked before every decision."""
    found = (await session.execute(_latest())).one_or_none()
    return InForce(*found) if found else None


async def files(session: AsyncSession, version: str) -> dict[str, str] | None:
    row = await session.get(PlaybookRow, version)
    return row.files if row else None


async def names(session: AsyncSession, version: str) -> dict[str, Any]:
    """What flows and steps of that version were called before it last came in force."""
    query = (
        select(PlaybookInForceRow)
        .where(col(PlaybookInForceRow.hash) == version)
        .order_by(col(PlaybookInForceRow.id).desc())
        .limit(1)
    )
    row = (await session.execute(query)).scalar_one_or_none()
    return (row and row.names) or {}


async def in_use(session: AsyncSession) -> list[str]:
    """The versions that running enrolments stand in."""
    query = select(EnrolmentRow.playbook).where(col(EnrolmentRow.ended).is_(None)).distinct()
    return sorted((await session.execute(query)).scalars())


async def history(
    session: AsyncSession, limit: int, before: int | None = None
) -> list[PlaybookInForceRow]:
    """What was put in force, the newest first; `before` is the last number already seen."""
    query = select(PlaybookInForceRow).order_by(col(PlaybookInForceRow.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(PlaybookInForceRow.id) < before)
    return list((await session.execute(query)).scalars())


async def before(session: AsyncSession, version: str) -> PlaybookInForceRow | None:
    """What was in force before that version last came."""
    of_version = select(func.max(PlaybookInForceRow.id)).where(
        col(PlaybookInForceRow.hash) == version
    )
    query = (
        select(PlaybookInForceRow)
        .where(
            col(PlaybookInForceRow.id) < of_version.scalar_subquery(),
            col(PlaybookInForceRow.hash) != version,
        )
        .order_by(col(PlaybookInForceRow.id).desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def put_in_force(
    session: AsyncSession,
    version: str,
    texts: Mapping[str, str],
    by: str,
    now: datetime,
    pace: str,
    changes: Sequence[str] = (),
    names: Mapping[str, Any] | None = None,
) -> bool:
    """False when that version at that pace is in force already."""
    current = await in_force(session)
    if current and current.hash == version and current.pace == pace:
        return False
    if not await session.get(PlaybookRow, version):
        session.add(PlaybookRow(hash=version, files=dict(texts)))
        await session.flush()
    row = PlaybookInForceRow(hash=version, at=now, by=by, pace=pace, changes=list(changes))
    row.names = dict(names) if names is not None else None
    session.add(row)
    return True
