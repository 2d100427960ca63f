"""Of whom is nothing known but an address in a form, which its mailbox never confirmed?"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy import select as select_columns
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from nurture.domain.feedback import HARD_BOUNCE
from nurture.domain.lifecycle import RULE
from nurture.intake.identity import USER
from nurture.intake.taking import FORM, REQUESTED
from nurture.store.columns import table
from nurture.store.handover_tables import HandoverRow, SaleRow
from nurture.store.tables import (
    ConsentRequestRow,
    ConsentRow,
    IdentityRow,
    LeadRow,
    StageChangeRow,
    TouchRow,
)

_OF_OUR_MAILS = frozenset({"mail", "feedback"})
"""Sources that tell what became of a mail of ours, which proves nothing of whoever typed the address."""


async def requests(session: AsyncSession, since: datetime, most: int) -> Mapping[int, str]:
    """The next requests from before then that nobody confirmed: whose, by their ids."""
    row = table(ConsentRequestRow).c
    query = select_columns(row.id, row.lead_id).where(row.confirmed_at.is_(None), row.at <= since)
    found = (await session.execute(query.order_by(row.at).limit(most))).all()
    return dict(found)


def nothing_else(browsers: Collection[str]) -> ColumnElement[bool]:
    """Of whom nobody whose word counts ever told, and who has no request left. `browsers`: sources whose word
    anybody can give in another's name. What a person said of consent, and a complaint, is kept: no list may undo it."""
    return and_(
        col(LeadRow.merged_into).is_(None),
        col(LeadRow.erased_at).is_(None),
        or_(col(LeadRow.suppressed).is_(None), col(LeadRow.suppressed) == HARD_BOUNCE),
        *(~_has(each) for each in (ConsentRequestRow, ConsentRow, HandoverRow, SaleRow)),
        ~_has(IdentityRow, col(IdentityRow.kind) == USER),
        ~_has(StageChangeRow, col(StageChangeRow.by) != RULE),
        ~_has(TouchRow, and_(~_doubtful(col(TouchRow.source), browsers), ~_asked_by(TouchRow))),
        or_(_doubtful(col(LeadRow.source), browsers), col(LeadRow.source).startswith(FORM)),
    )


def _has(row: Any, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(row.lead_id).where(row.lead_id == col(LeadRow.id), *which).exists()


def _doubtful(source: Any, browsers: Collection[str]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = source.in_({*_OF_OUR_MAILS, *browsers})
    return found


def _asked_by(touch: Any) -> ColumnElement[bool]:
    """Whether it came by a form that asked the lead's mailbox."""
    asked = aliased(TouchRow)
    by_it = and_(col(asked.lead_id) == touch.lead_id, col(asked.source) == touch.source)
    return select(col(asked.id)).where(by_it, col(asked.name) == REQUESTED).exists()
