"""Everything the database holds of one person, table by table."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from nurture.domain.mentions import Names
from nurture.store import aside
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.feedback_tables import FeedbackRow
from nurture.store.handover_tables import HandoverEventRow, HandoverRow, NoticeRow, SaleRow
from nurture.store.tables import (
    CallRow,
    ConsentRequestRow,
    ConsentRow,
    EnrolmentRow,
    IdentityRow,
    LeadRow,
    MessageRow,
    StageChangeRow,
    TouchRow,
)

_BY_LEAD: tuple[Any, ...] = (
    IdentityRow,
    TouchRow,
    StageChangeRow,
    ConsentRow,
    ConsentRequestRow,
    EnrolmentRow,
    MessageRow,
    FeedbackRow,
    HandoverRow,
    AudienceMemberRow,
    SaleRow,
)
_BY_HANDOVER: tuple[Any, ...] = (HandoverEventRow, NoticeRow)


async def everything(
    session: AsyncSession, ids: Sequence[str], names: Iterable[str]
) -> dict[str, Any]:
    """Rows by table name, ready for JSON. `names`: what to look for in what was put aside."""
    queries: dict[str, Select[Any]] = {
        LeadRow.__tablename__: select(LeadRow).where(col(LeadRow.id).in_(ids))
    }
    for table in _BY_LEAD:
        queries[table.__tablename__] = select(table).where(table.lead_id.in_(ids))
    theirs = select(col(HandoverRow.id)).where(col(HandoverRow.lead_id).in_(ids))
    for table in _BY_HANDOVER:
        queries[table.__tablename__] = select(table).where(table.handover_id.in_(theirs))
    runs = select(col(EnrolmentRow.id)).where(col(EnrolmentRow.lead_id).in_(ids))
    queries[CallRow.__tablename__] = select(CallRow).where(col(CallRow.enrolment_id).in_(runs))
    found = {
        name: [_plain(row) for row in (await session.execute(query)).scalars()]
        for name, query in queries.items()
    }
    for name, rows in (await aside.shown(session, Names(names))).items():
        found.setdefault(name, []).extend(_plain(row) for row in rows)
    return found


def _plain(row: SQLModel) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in row.model_dump().items()
    }
