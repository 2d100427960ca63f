"""Of whom is nothing known but an address in a form, which its mailbox never confirmed?"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, or_
from sqlalchemy import select as select_columns
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from nurture.domain.consent import BROWSER
from nurture.domain.feedback import HARD_BOUNCE
from nurture.domain.lifecycle import RULE
from nurture.domain.sources import FEEDBACK, FORM, MAIL
from nurture.enrolling import BROUGHT
from nurture.intake.identity import USER
from nurture.intake.taking import REQUESTED
from nurture.store.columns import table
from nurture.store.handover_tables import HandoverRow, SaleRow
from nurture.store.tables import (
    ConsentRequestRow,
    ConsentRow,
    EnrolmentRow,
    IdentityRow,
    LeadRow,
    StageChangeRow,
    TouchRow,
)

_OF_OUR_MAILS = ((MAIL, ("opened", "clicked")), (FEEDBACK, ("bounced",)))
"""What is told of a mail of ours and proves nothing of whoever typed the address. By the names, too: before such keys
were refused, a server's may have gone by the name of these sources."""


async def requests(session: AsyncSession, since: datetime, most: int) -> Mapping[int, str]:
    """The next requests from before then that nobody confirmed: whose, by their ids."""
    row = table(ConsentRequestRow).c
    query = select_columns(row.id, row.lead_id).where(row.confirmed_at.is_(None), row.at <= since)
    found = (await session.execute(query.order_by(row.at).limit(most))).all()
    return dict(found)


def nothing_else(ids: Collection[str], browsers: Collection[str]) -> ColumnElement[bool]:
    """Who came by a form that asked, or in a browser, and whom nothing keeps, among these leads, which are neither
    joined nor erased. `browsers`: sources whose word anybody can give in another's name."""
    source = col(LeadRow.source)
    return and_(
        col(LeadRow.id).in_(ids),
        or_(source.in_(browsers), _asked_by(LeadRow.id, source)),
        *(~kept for kept in _kept_by(ids, browsers)),
    )


def _kept_by(ids: Collection[str], browsers: Collection[str]) -> Sequence[ColumnElement[bool]]:
    """Each of these alone keeps a lead. What was noted of it stays when the touch that told it is too old."""
    row, touch = LeadRow, TouchRow
    against = col(row.suppressed)
    complained = and_(against.is_not(None), against != HARD_BOUNCE)
    return (
        _has(ConsentRequestRow),  # it may still be confirmed
        # the person granted or refused: no list may undo that
        _has(ConsentRow, ~col(ConsentRow.source).startswith(BROWSER)),
        complained,  # no list may undo that either
        col(row.paused_until).is_not(None),  # it asked for a break
        _has(IdentityRow, col(IdentityRow.kind) == USER),  # it has an account
        _has(SaleRow),
        or_(_filled(row.cases), _filled(row.cases_told)),  # support has or had a case
        col(row.talks_until).is_not(None),  # sales talked to it
        _has(HandoverRow),
        _has(StageChangeRow, col(StageChangeRow.by) != RULE),
        _has(
            EnrolmentRow,
            col(EnrolmentRow.lead_id).in_(ids),
            col(EnrolmentRow.reason).startswith(BROUGHT),
        ),
        _has(touch, ~or_(_doubtful(browsers), _asked_by(touch.lead_id, col(touch.source)))),
    )


def _has(row: Any, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(row.lead_id).where(row.lead_id == col(LeadRow.id), *which).exists()


def _filled(noted: Any) -> ColumnElement[bool]:
    return cast(noted, String).not_in(["[]", "{}"])


def _doubtful(browsers: Collection[str]) -> ColumnElement[bool]:
    """A touch that anybody may have told, or that tells of our mails alone."""
    source, name = col(TouchRow.source), col(TouchRow.name)
    ours = (and_(source == own, name.in_(names)) for own, names in _OF_OUR_MAILS)
    return or_(source.in_(browsers), *ours)


def _asked_by(lead_id: Any, source: Any) -> ColumnElement[bool]:
    """Whether it is a form that asked the lead's mailbox."""
    asked = aliased(TouchRow)
    by_it = and_(col(asked.lead_id) == lead_id, col(asked.source) == source)
    form = and_(col(asked.name) == REQUESTED, col(asked.source).startswith(FORM))
    return select(col(asked.id)).where(by_it, form).exists()
