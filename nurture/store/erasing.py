"""Taking a person out of the database: what happened stays countable, who it was is gone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain.errors import Contended
from nurture.domain.sla import State
from nurture.domain.sources import FORM
from nurture.store import leads, words
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.feedback_tables import FeedbackRow
from nurture.store.handover_tables import HandoverEventRow, HandoverRow, NoticeRow
from nurture.store.tables import (
    CallRow,
    ConsentRow,
    EnrolmentRow,
    ErasureRow,
    IdentityRow,
    LeadRow,
    MessageRow,
    StageChangeRow,
    TouchRow,
)

ERASED = "erased"
"""Why a run ended, a handover closed, a lead gets no mail."""


_OF_COLLEAGUES = ("reminded", "escalated", "reassigned")
"""What the agreement's deadlines did: its detail is whom of sales they told, which is counted."""


async def with_joined(session: AsyncSession, lead_id: str) -> list[LeadRow]:
    """The lead and all that were joined into it, locked as by whoever comes by an old name: itself last. Raises
    Contended when it was joined into another, or another into it, while we waited."""
    ids = await _joined_into(session, lead_id)
    locked = [await leads.lock(session, id_) for id_ in reversed(ids)]
    own, *joined = (row for row in reversed(locked) if row)
    if own.merged_into or await _joined_into(session, lead_id) != ids:
        raise Contended("lead_gone", "joined meanwhile")
    return [own, *joined]


async def _joined_into(session: AsyncSession, lead_id: str) -> list[str]:
    """Its id, and those of all that were joined into it, one after another."""
    found, wave = [lead_id], [lead_id]
    while wave:
        query = select(col(LeadRow.id)).where(col(LeadRow.merged_into).in_(wave))
        wave = sorted((await session.execute(query)).scalars())
        found += wave
    return found


async def names(session: AsyncSession, ids: Sequence[str]) -> list[tuple[str, str]]:
    """(kind, value) of every name these leads go by."""
    query = select(IdentityRow).where(col(IdentityRow.lead_id).in_(ids))
    return sorted((row.kind, row.value) for row in (await session.execute(query)).scalars())


async def anonymise(session: AsyncSession, rows: Iterable[LeadRow], now: datetime) -> None:
    """Empty the leads. Names, amounts and times of what happened remain, under an id that leads nowhere; so do persona
    and source, by which a month that is over was split and promised."""
    ids = []
    rows = list(rows)
    await _scrub_consents(session, {row.id: _names(row) for row in rows})
    for row in rows:
        ids.append(row.id)
        row.email = None
        row.traits, row.traits_at = {}, {}
        row.tags, row.consents, row.declined = [], [], []
        row.cases, row.cases_told = [], {}
        row.paused_until = None
        row.suppressed, row.sales_owned = ERASED, False
        row.next_score_at, row.tally = None, None
        row.erased_at = row.erased_at or now
    await session.flush()
    await session.execute(delete(IdentityRow).where(col(IdentityRow.lead_id).in_(ids)))
    await words.forget(session, ids)
    await _blank(session, TouchRow, ids, properties={})
    await _blank(session, StageChangeRow, ids, reason="")
    await _blank(session, EnrolmentRow, ids, reason="")
    await _blank(session, FeedbackRow, ids, reason="", raw="")
    # a refusal's reason is one of a few words and is counted; a provider's may quote the address
    spoken = update(MessageRow).where(
        col(MessageRow.lead_id).in_(ids), col(MessageRow.state) != "refused"
    )
    await session.execute(spoken.values(reason=""))
    await _scrub_handovers(session, ids)
    await _scrub_calls(session, ids, now)


def _names(row: LeadRow) -> set[str]:
    """What the person may be known by, in small letters."""
    told = [row.email, *row.traits.values()]
    return {each.casefold() for each in told if isinstance(each, str) and len(each) > 1}


async def _scrub_consents(session: AsyncSession, names_of: Mapping[str, set[str]]) -> None:
    """The ledger stays, without what others wrote into it in their own words: a proof, and a wording that names the
    person. Our forms' wordings are the playbook's, and our proofs are mails' ids."""
    query = select(ConsentRow).where(
        col(ConsentRow.lead_id).in_(names_of), ~col(ConsentRow.source).startswith(FORM)
    )
    for row in (await session.execute(query)).scalars():
        row.proof, worded = "", row.wording.casefold()
        if "@" in worded or any(name in worded for name in names_of[row.lead_id]):
            row.wording = ""


async def _scrub_calls(session: AsyncSession, ids: Sequence[str], now: datetime) -> None:
    """What webhook steps tell others; what was not told yet never will be."""
    runs = select(col(EnrolmentRow.id)).where(col(EnrolmentRow.lead_id).in_(ids))
    calls = update(CallRow).where(col(CallRow.enrolment_id).in_(runs))
    waiting = calls.where(col(CallRow.next_attempt_at).is_not(None))
    await session.execute(waiting.values(dead_at=now, next_attempt_at=None))
    await session.execute(calls.values(data={}, error=""))


async def _scrub_handovers(session: AsyncSession, ids: Sequence[str]) -> None:
    """What was told to sales, and what sales said in its own words."""
    theirs = select(col(HandoverRow.id)).where(col(HandoverRow.lead_id).in_(ids))
    await _blank(session, HandoverRow, ids, reason="erased on request", how=None)
    # why a lead was not wanted is one of the agreement's words and is counted; why it was lost is free
    lost = update(HandoverRow).where(
        col(HandoverRow.lead_id).in_(ids), col(HandoverRow.state) == State.LOST
    )
    await session.execute(lost.values(outcome=State.LOST))
    await session.execute(
        update(HandoverEventRow)
        .where(
            col(HandoverEventRow.handover_id).in_(theirs),
            col(HandoverEventRow.kind).not_in(_OF_COLLEAGUES),
        )
        .values(detail="")
    )
    await session.execute(
        update(NoticeRow).where(col(NoticeRow.handover_id).in_(theirs)).values(data={}, error="")
    )


async def _blank(session: AsyncSession, table: Any, ids: Sequence[str], **values: Any) -> None:
    await session.execute(update(table).where(table.lead_id.in_(ids)).values(**values))


async def take_off_lists(session: AsyncSession, ids: Sequence[str], now: datetime) -> list[str]:
    """Owe the removal from every audience, due at once; the audiences that hold somebody now.

    Who was sent to a platform is kept until it has confirmed the removal: without that nobody can be removed.
    """
    query = select(AudienceMemberRow).where(col(AudienceMemberRow.lead_id).in_(ids))
    held = set()
    for row in (await session.execute(query.with_for_update())).scalars():
        row.desired, row.by_step, row.next_try_at, row.changed_at = False, False, now, now
        row.attempts, row.error, row.objects = 0, "", True
        if row.named:
            held.add(row.audience)
    return sorted(held)


async def remember(
    session: AsyncSession, fingerprints: Iterable[str], by: str, now: datetime
) -> None:
    for fingerprint in fingerprints:
        if not await session.get(ErasureRow, fingerprint):
            session.add(ErasureRow(fingerprint=fingerprint, at=now, by=by))


async def remembered(session: AsyncSession, fingerprints: Iterable[str]) -> set[str]:
    """Those of `fingerprints` that are of somebody erased."""
    known = col(ErasureRow.fingerprint)
    query = select(known).where(known.in_(list(fingerprints)))
    return set((await session.execute(query)).scalars())
