"""Events about mails: each stored once, found to its mail, and what the ledger makes of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain import feedback, keys, retries
from nurture.domain.feedback import Event, Fate, Kind
from nurture.store import messages
from nurture.store.columns import unless_there
from nurture.store.feedback_tables import FeedbackRow
from nurture.store.tables import LeadRow, MessageRow

_LOOKED_AT = 50
"""Mails of one lead, the latest, among which soft bounces are counted."""


async def keep(
    session: AsyncSession, provider: str, events: Sequence[Event], now: datetime
) -> list[Event]:
    """Store what is new; those events."""
    by_id = {keys.feedback_id(provider, event.id): event for event in events}
    rows = [
        {
            "id": id_,
            "provider": provider,
            "nonce": event.nonce,
            "kind": str(event.kind),
            "at": event.at,
            "received_at": now,
            "reason": event.reason,
            "raw": event.raw,
        }
        for id_, event in sorted(by_id.items())
    ]
    if not rows:
        return []
    query = unless_there(session, FeedbackRow, rows).returning(col(FeedbackRow.id))
    new = set((await session.execute(query)).scalars())
    return [event for id_, event in by_id.items() if id_ in new]


async def leads_of(session: AsyncSession, events: Sequence[Event]) -> list[str]:
    """Whose mails the events are about, in order."""
    query = select(col(MessageRow.lead_id)).where(_meant(events)).distinct()
    return sorted((await session.execute(query)).scalars())


def _meant(events: Sequence[Event]) -> ColumnElement[bool]:
    """The mails that the events are about."""
    names = {name for event in events for name in event.mails}
    ours = union(  # each by its own index: in their order SQLite would read the whole ledger
        select(col(MessageRow.id)).where(col(MessageRow.id).in_(names)),
        select(col(MessageRow.id)).where(col(MessageRow.provider_id).in_(names)),
    )
    return col(MessageRow.id).in_(ours)


async def mails_of(session: AsyncSession, events: Sequence[Event]) -> dict[str, MessageRow]:
    """The mail of each event that has one, by the event's id; locked in a fixed order."""
    query = select(MessageRow).where(_meant(events)).order_by(col(MessageRow.id)).with_for_update()
    by_name: dict[str, MessageRow] = {}
    for row in (await session.execute(query)).scalars():
        by_name |= {name: row for name in (row.id, row.provider_id) if name}
    found = {}
    for event in events:
        known = [by_name[name] for name in event.mails if name in by_name]
        if known:
            found[event.id] = known[0]
    return found


async def note(
    session: AsyncSession, provider: str, event: Event, mail: MessageRow | None, lead: LeadRow
) -> None:
    """Whose event it was, so that it is exported and erased with the lead; of somebody erased already
    nothing is kept but that it came."""
    row = await session.get(FeedbackRow, keys.feedback_id(provider, event.id))
    if row is None:
        return
    row.message_id, row.lead_id = mail.id if mail else None, lead.id
    if lead.erased_at:
        row.raw, row.reason = "", ""


def rise(row: MessageRow, event: Event, lead: LeadRow) -> bool:
    """Take the news over into the ledger, of somebody erased without its words; whether it changed anything."""
    before = Fate(row.state, row.bounce)
    fate = feedback.after(before, event.kind)
    if fate == before:
        return False
    row.state, row.bounce = fate.state, fate.bounce
    row.reason = "" if lead.erased_at else event.reason
    if event.sent and event.kind is not Kind.REJECTED:
        row.sent_at = row.sent_at or event.at
    return True


async def read(
    session: AsyncSession, mail: MessageRow, lead: LeadRow, name: str, at: datetime, day: timedelta
) -> bool:
    """A person opened the mail, or clicked in it; whether that ended a row of soft bounces."""
    messages.heard(mail, name, at)
    before = lead.soft_bounces
    if before:
        lead.soft_bounces = await soft_bounces(session, lead, day, at)
    return lead.soft_bounces != before


async def soft_bounces(session: AsyncSession, lead: LeadRow, day: timedelta, now: datetime) -> int:
    """How many of the latest mails in a row to the lead's address came back for a passing reason.

    `day`: the playbook's."""
    await session.flush()
    query = (
        select(MessageRow)
        .where(
            col(MessageRow.lead_id) == lead.id,
            col(MessageRow.state) != "refused",
            *([col(MessageRow.claimed_at) >= since] if (since := lead.bounces_since) else []),
        )
        .order_by(col(MessageRow.claimed_at).desc(), col(MessageRow.id))
        .limit(_LOOKED_AT)
    )
    rows = (await session.execute(query)).scalars()
    return feedback.soft_bounces_in_a_row(_by_now(row, day, now) for row in rows)


def _by_now(row: MessageRow, day: timedelta, now: datetime) -> Fate:
    reported = row.sent_at is not None and now >= retries.reported(row.sent_at, day)
    return feedback.by_now(Fate(row.state, row.bounce), row.opened_at is not None, reported)
