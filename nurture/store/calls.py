"""Calls of webhook steps: which are due, and what became of them."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain.effects import CallWebhook
from nurture.domain.flow import Act, Flow
from nurture.store import leases
from nurture.store.tables import CallRow

_LEASE = timedelta(seconds=4)
"""A call of which its process says nothing for so long is tried again: the process died."""


async def asked(session: AsyncSession, run: str, steps: Collection[str]) -> bool:
    """Whether the run, or one that it goes on for, ever queued a call of a step by any of these names."""
    query = select(col(CallRow.data)).where(col(CallRow.enrolment_id) == run)
    return any(data["step"] in steps for data in (await session.execute(query)).scalars())


async def hand_over(session: AsyncSession, run: str, to: str, flow: Flow | None = None) -> None:
    """The lead goes on in another run of one flow: who was told in this one, is not told again there. What it goes on
    in is another `flow` where its own was merged into that; a call of which it makes another one stays, and one that
    was given up."""
    query = select(CallRow).where(col(CallRow.enrolment_id) == run, col(CallRow.dead_at).is_(None))
    for row in (await session.execute(query)).scalars():
        if flow is None or _same_call(flow, row):
            row.enrolment_id = to
    await session.flush()


def _same_call(flow: Flow, row: CallRow) -> bool:
    step = flow.steps.get(flow.was.get(row.data["step"], row.data["step"]))
    call = step.effect if isinstance(step, Act) else None
    return not isinstance(call, CallWebhook) or call.endpoint == row.endpoint


async def take_due(
    session: AsyncSession, now: datetime, limit: int = 20, but: Collection[str] = ()
) -> list[CallRow]:
    """Calls to be tried now, `but` those to these receivers; leased to the caller."""
    among = [col(CallRow.endpoint).not_in(sorted(but))] if but else []
    return await leases.take(session, CallRow, "next_attempt_at", now, _LEASE, limit, *among)


def is_held_since(row: CallRow, now: datetime, span: timedelta) -> bool:
    """Whether the caller took it, or told that it is under way, so long ago."""
    until = row.next_attempt_at
    return until is not None and until - _LEASE + span <= now


async def keep(session: AsyncSession, held: Sequence[CallRow], now: datetime) -> None:
    """They are still under way, but those of which is known by now what came of them."""
    until, ids = {row.next_attempt_at for row in held}, [row.id for row in held]
    still = update(CallRow).where(col(CallRow.id).in_(ids), col(CallRow.next_attempt_at).in_(until))
    await session.execute(still.values(next_attempt_at=now + _LEASE))
    for row in held:
        row.next_attempt_at = now + _LEASE


async def record(
    session: AsyncSession, call_id: str, error: str, again: datetime | None, now: datetime
) -> None:
    """`error` empty: it was heard. Else it is tried `again`, or given up (None). Whose person was erased while it was
    on its way stays given up."""
    row = await session.get(CallRow, call_id, with_for_update=True)
    if row is None:
        return
    row.attempts += 1
    if error and row.dead_at:
        return
    row.error, row.next_attempt_at = error, again
    row.delivered_at = None if error else now
    row.dead_at = now if error and again is None else None
