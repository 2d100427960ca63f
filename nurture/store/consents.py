"""The ledger of consent: every statement once, however often it is repeated, and what holds now."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain.consent import (
    ConsentRecord,
    asked_before,
    confirmed,
    counts,
    declined,
    held,
    pending,
)
from nurture.store.tables import ConsentRequestRow, ConsentRow, LeadRow, MessageRow


async def tell(
    session: AsyncSession, said: Sequence[tuple[LeadRow, Sequence[ConsentRecord]]]
) -> None:
    """Enter what the leads said, in whatever order it arrives, and bring `consents` in line with it."""
    ledger = await _ledger(session, [row.id for row, _ in said])
    for lead, records in said:
        known = ledger[lead.id]
        of = defaultdict[tuple[str, str], list[ConsentRow]](list)
        for row in known:
            of[_line(row)].append(row)
        for record in sorted(records, key=lambda record: record.at):
            if not _repeats(of[_line(record)], record):
                row = _row(lead, record)
                session.add(row)
                known.append(row)
                of[_line(record)].append(row)
        lead.consents = sorted(held(_statements(known)))
        lead.declined = sorted(declined(_statements(known)))


async def fold(session: AsyncSession, leads: Sequence[LeadRow]) -> None:
    """Recompute what the leads consent to from all they ever said."""
    await tell(session, [(lead, ()) for lead in leads])


async def ask(
    session: AsyncSession,
    lead: LeadRow,
    records: Sequence[ConsentRecord],
    now: datetime,
    lasts: timedelta,
) -> bool:
    """Keep what the lead's mailbox is to confirm; whether that is more than what it was asked by the same form in the
    same words and may still confirm."""
    before = pending(*await _requests(session, lead), now, lasts)
    for record in records:
        session.add(
            ConsentRequestRow(
                lead_id=lead.id,
                purpose=record.purpose,
                at=record.at,
                source=record.source,
                wording=record.wording,
            )
        )
    return not {_asks(record) for record in records} <= {_asks(record) for record in before}


def _asks(record: ConsentRecord) -> tuple[str, str, str]:
    return record.purpose, record.source, record.wording


async def asked(session: AsyncSession, lead_id: str) -> list[ConsentRequestRow]:
    """What was asked for and not confirmed yet."""
    row = ConsentRequestRow
    query = select(row).where(col(row.lead_id) == lead_id, col(row.confirmed_at).is_(None))
    return list((await session.execute(query)).scalars())


async def confirmable(
    session: AsyncSession, lead: LeadRow, mail: MessageRow, now: datetime, lasts: timedelta
) -> list[ConsentRecord]:
    """What the lead would grant by confirming, from that mail, what it was asked."""
    requests, said = await _requests(session, lead)
    return confirmed(requests, said, f"mail {mail.id}", mail.claimed_at, now, lasts)


async def _requests(
    session: AsyncSession, lead: LeadRow
) -> tuple[list[ConsentRecord], list[ConsentRecord]]:
    """What it was asked for and has not confirmed, and all that it ever said."""
    rows = await asked(session, lead.id)
    requests = [ConsentRecord(r.purpose, True, r.at, r.source, r.wording) for r in rows]
    return requests, _statements((await _ledger(session, [lead.id]))[lead.id])


async def confirm(
    session: AsyncSession, lead: LeadRow, mail: MessageRow, now: datetime, lasts: timedelta
) -> list[str]:
    """The purposes that the lead grants by it."""
    records = await confirmable(session, lead, mail, now, lasts)
    granted = [record.purpose for record in records]
    for row in await asked(session, lead.id):
        if row.purpose in granted and asked_before(mail.claimed_at, row.at):
            row.confirmed_at = now
    await tell(session, [(lead, records)])
    return granted


async def agreed_at(session: AsyncSession, lead_id: str, purpose: str) -> datetime:
    """When the lead last granted what it consents to."""
    rows = (await _ledger(session, [lead_id]))[lead_id]
    return max(
        _last(row) for row in rows if row.granted and row.purpose == purpose and counts(row.source)
    )


async def _ledger(session: AsyncSession, ids: Sequence[str]) -> defaultdict[str, list[ConsentRow]]:
    found: defaultdict[str, list[ConsentRow]] = defaultdict(list)
    if not ids:
        return found
    await session.flush()
    query = select(ConsentRow).where(col(ConsentRow.lead_id).in_(ids))
    for row in (await session.execute(query.order_by(col(ConsentRow.id)))).scalars():
        found[row.lead_id].append(row)
    return found


def _line(said: ConsentRow | ConsentRecord) -> tuple[str, str]:
    """What a statement may be the repetition of. What counts for nothing is one line for each source, between whatever
    else is said: anybody may say yes and no by turns, a thousand times."""
    return said.purpose, "" if counts(said.source) else said.source


def _repeats(same: Sequence[ConsentRow], record: ConsentRecord) -> bool:
    """True when the record adds nothing but a later time to what the lead's latest word on its purpose was."""
    for row in same:
        if _last(row) >= record.at >= row.at and _says(row, record):
            return True
    latest = max(same, key=_last, default=None)
    if latest is None or not _says(latest, record) or record.at < _last(latest):
        return False
    latest.again_at = record.at
    return True


def _says(row: ConsentRow, record: ConsentRecord) -> bool:
    """A no needs no proof of what it was said to: in whatever words it comes, it is the same. Nor is a visitor asked in
    other words, who said yes. A yes that comes with a proof is another than one without."""
    if (row.granted, row.source) != (record.granted, record.source):
        return False
    if not row.granted or not counts(row.source):
        return True
    return row.wording == record.wording and record.proof in ("", row.proof)


def _last(row: ConsentRow) -> datetime:
    return row.again_at or row.at


def _statements(rows: Sequence[ConsentRow]) -> list[ConsentRecord]:
    return [
        ConsentRecord(row.purpose, row.granted, _last(row), row.source, row.wording) for row in rows
    ]


def _row(lead: LeadRow, record: ConsentRecord) -> ConsentRow:
    return ConsentRow(
        lead_id=lead.id,
        purpose=record.purpose,
        granted=record.granted,
        at=record.at,
        source=record.source,
        wording=record.wording,
        proof=record.proof,
    )
