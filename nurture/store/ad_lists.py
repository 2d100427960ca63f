"""How audiences and ad accounts stand: the rows that a sync begins and ends with."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import literal_column
from sqlalchemy import select as sa_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain.audience import Audience
from nurture.store.audience_tables import AdAccountRow, AudienceMemberRow, AudienceRow
from nurture.store.audiences import LEAVING


async def state(session: AsyncSession, name: str) -> AudienceRow | None:
    return await session.get(AudienceRow, name, with_for_update=True)


async def known(session: AsyncSession) -> dict[str, AudienceRow]:
    """All audiences that ever were synced, by name."""
    rows = (await session.execute(select(AudienceRow))).scalars()
    return {row.name: row for row in rows}


def begin(session: AsyncSession, audience: Audience) -> AudienceRow:
    """An audience that was never synced."""
    row = AudienceRow(
        name=audience.id, platform=audience.platform, external_id=audience.external_id
    )
    session.add(row)
    return row


async def opened(session: AsyncSession, name: str, until: datetime) -> None:
    """A replacement of the whole list begins; till then the platform may hold it unfinished."""
    row = await state(session, name)
    assert row is not None
    row.session_until = until


async def renewed(session: AsyncSession, name: str, now: datetime) -> None:
    """The whole list was sent anew."""
    row = await state(session, name)
    assert row is not None
    row.renew_asked_at, row.session_until, row.renewed_at = None, None, now


async def rest(session: AsyncSession, platform: str, until: datetime) -> None:
    """Nobody calls the platform before `until`."""
    row = await session.get(AdAccountRow, platform, with_for_update=True)
    if row is None:
        session.add(AdAccountRow(platform=platform, free_at=until))
    else:
        row.free_at = max(row.free_at, until)


async def resting(session: AsyncSession, platform: str) -> datetime | None:
    row = await session.get(AdAccountRow, platform)
    return row.free_at if row else None


@dataclass(frozen=True)
class Count:
    """Members of one audience. `waiting_since`: the oldest owed removal; `reasons`: refused, by reason."""

    desired: int = 0
    confirmed: int = 0
    pending: int = 0
    owed_removals: int = 0
    waiting_since: datetime | None = None
    reasons: Mapping[str, int] | None = None


async def counts(session: AsyncSession) -> dict[str, Count]:
    """By audience name."""
    row = AudienceMemberRow
    keys = (col(row.audience), col(row.desired), col(row.confirmed), col(row.named))
    query: Any = sa_select(*keys, func.count()).group_by(*keys)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, desired, confirmed, named, number in (await session.execute(query)).all():
        found[name] += Counter(
            desired=number * desired,
            confirmed=number * confirmed,
            pending=number * (desired and not confirmed),
            owed_removals=number * (named and not desired),
        )
    waiting, refused = await _waiting(session), await _refused(session)
    return {
        name: Count(**fields, waiting_since=waiting.get(name), reasons=refused.get(name))
        for name, fields in found.items()
    }


async def _waiting(session: AsyncSession) -> dict[str, datetime]:
    """Since when a removal is owed, by audience."""
    row = AudienceMemberRow
    query = select(col(row.audience), func.min(col(row.changed_at))).where(*LEAVING)
    found: dict[str, datetime] = {}
    for name, since in await session.execute(query.group_by(col(row.audience))):
        found[name] = since
    return found


async def _refused(session: AsyncSession) -> dict[str, dict[str, int]]:
    row = AudienceMemberRow
    query = (
        select(col(row.audience), col(row.error), func.count())
        .where(col(row.error) != literal_column("''"))  # letter by letter as their index has it
        .group_by(col(row.audience), col(row.error))
    )
    found: dict[str, dict[str, int]] = {}
    for name, reason, number in (await session.execute(query)).all():
        found.setdefault(name, {})[reason] = number
    return found
