"""The send ledger for people: what became of mails, and settling those of which nobody knows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.errors import InputError
from nurture.domain.feedback import HARD_BOUNCE
from nurture.store import enrolments, leads, merging, messages, wakeups
from nurture.store.access_tables import AuditRow
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, LeadRow, MessageRow

log = structlog.get_logger()


class Mails:
    """`list` looks; `settle` and `forget_bounces` say what a person found out."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list(
        self, state: str = "", flow: str = "", lead: str = "", limit: int = 50
    ) -> list[dict[str, Any]]:
        """The latest first. `lead`: id, address or any other name. Raises InputError for a state that there
        is not, and a lead nobody knows."""
        if state and state not in messages.STATES:
            raise InputError(
                f"there is no such state; there are {', '.join(messages.STATES)}", state
            )
        async with self._db.read() as session:
            lead_id = ""
            if lead:
                lead_id = (await _found(session, lead)).id
            rows = await messages.latest(session, state, flow, lead_id, limit)
            return [_shown(row) for row in rows]

    async def counts(self) -> dict[str, int]:
        """How many mails are in each state."""
        async with self._db.read() as session:
            return await messages.counts(session)

    async def settle(self, ids: Sequence[str], sent: bool, by: str, now: datetime) -> int:
        """Mails that went out, or certainly did not; those are sent once more, as soon as the gate lets them.
        How many. Raises InputError for a mail whose fate is known, and then changes nothing."""
        async with self._db.write() as session:
            for id_ in sorted(ids):
                row, run = await _held(session, id_)
                if row is None or row.state != messages.UNKNOWN:
                    known = f"is {row.state}" if row else "is not known"
                    raise InputError(f"the mail {known}; only unknown ones are to be settled", id_)
                if sent:
                    row.state, row.reason = messages.ACCEPTED, f"sent, says {by}"
                    continue
                row.state, row.reason = messages.PLANNED, f"not sent, says {by}"
                row.sent_at, row.put_off_at, row.claimed_at = None, None, now
                assert run is not None, "a mail belongs to a run"
                if messages.is_ahead(row):
                    continue  # it goes out if a run comes to it
                run.again = sorted({*run.again, row.step})
                enrolments.wake(session, run, now)
            wakeups.leave_to_relay(session, now)
        log.info("mails_settled", mails=len(ids), sent=sent, by=by)
        return len(ids)

    async def forget_bounces(self, names: Sequence[str], by: str, now: datetime) -> int:
        """Leads whose mails came back get mail again; how many. What the person said stays: a complaint, and whatever
        it unsubscribed from. Raises InputError for a lead without a bounce to forget, and then changes nothing."""
        async with self._db.write() as session:
            told = {(await _found(session, name)).id: name for name in names}
            for id_ in sorted(told):
                lead = await leads.lock_joined(session, id_)
                assert lead is not None, "a lead that was found is there"
                if lead.suppressed not in (None, HARD_BOUNCE):
                    problem = f"gets no mail for another reason, which stays: {lead.suppressed}"
                    raise InputError(problem, told[id_])
                was = lead.suppressed or (f"{lead.soft_bounces} soft" if lead.soft_bounces else "")
                if not was:
                    raise InputError("has no bounce that keeps mails from it", told[id_])
                merging.forget_bounces(lead, now)
                session.add(_audited(by, lead, was, now))
        log.info("bounces_forgotten", leads=len(told), by=by)
        return len(told)


async def _found(session: AsyncSession, name: str) -> LeadRow:
    found = await leads.find(session, name)
    if found is None:
        raise InputError("no lead goes by this name", name)
    return found


def _audited(by: str, lead: LeadRow, was: str, now: datetime) -> AuditRow:
    action = "forget_bounces"
    return AuditRow(at=now, who=by, action=action, subject=lead.id, outcome="done", detail=was)


async def _held(session: AsyncSession, id_: str) -> tuple[MessageRow | None, EnrolmentRow | None]:
    """The mail and its run, locked in the order in which a run locks itself and its mails."""
    row = await session.get(MessageRow, id_)
    run = await enrolments.lock(session, row.enrolment_id) if row else None
    return await session.get(MessageRow, id_, with_for_update=True), run


def _shown(row: MessageRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "reason": row.reason,
        "lead": row.lead_id,
        "flow": row.flow,
        "step": row.step,
        "template": row.template,
        "sender": row.sender,
        "attempts": row.attempts,
        "claimed_at": row.claimed_at.isoformat(),
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "provider_id": row.provider_id,
    }
