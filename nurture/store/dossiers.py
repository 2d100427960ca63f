"""All that decides what follows for a lead, loaded for a whole batch in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain.lead import Facts
from nurture.store import leads
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.tables import EnrolmentRow, LeadRow


@dataclass
class Dossier:
    """One lead's row, and what is known around it. `runs` and `members` are live rows."""

    row: LeadRow
    facts: Facts
    runs: list[EnrolmentRow]
    members: dict[str, AudienceMemberRow]


async def load(session: AsyncSession, rows: Sequence[LeadRow], now: datetime) -> list[Dossier]:
    """The dossiers of these leads, in their order."""
    await session.flush()
    ids = [row.id for row in rows]
    facts = await leads.facts_of(session, rows, now)
    runs: defaultdict[str, list[EnrolmentRow]] = defaultdict(list)
    query = select(EnrolmentRow).where(col(EnrolmentRow.lead_id).in_(ids))
    for run in (await session.execute(query)).scalars():
        runs[run.lead_id].append(run)
    members: defaultdict[str, dict[str, AudienceMemberRow]] = defaultdict(dict)
    on_list = select(AudienceMemberRow).where(col(AudienceMemberRow.lead_id).in_(ids))
    for member in (await session.execute(on_list)).scalars():
        members[member.lead_id][member.audience] = member
    return [Dossier(row, facts[row.id], runs[row.id], members[row.id]) for row in rows]
