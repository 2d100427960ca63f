"""The outbox of wake-ups: written with the change that causes them, handed to Temporal after the commit."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Boolean, ColumnElement, delete, insert, literal_column
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.store import leases
from nurture.store.tables import EnrolmentRow, WakeupRow

KINDS = ENROLMENT, HANDOVER, AUDIENCE = "enrolment", "handover", "audience"

WRITTEN = "wakeups"

_PAGE = 1000

LEFT = 200
"""So many the relay takes at once: a few seconds' work for a Temporal that has much to do."""

_URGENT = literal_column("kind <> 'enrolment'", Boolean)
"""In the words of the partial index."""

LEASE = timedelta(seconds=4)
"""How long the process that wrote a wake-up has to hand it over before the relay takes it; see docs/decisions/0021."""

_EACH = timedelta(milliseconds=20)
"""And so much longer for each that goes before it: a Temporal that is slow should not be told of a thousand twice."""


SPACING = timedelta(milliseconds=100)
"""Many who begin, or are woken, together come one after another: ten a second, however many there are."""


def add(
    session: AsyncSession, kind: str, key: str, now: datetime, flow: str = "", sender: str = ""
) -> WakeupRow:
    """The row is also remembered on the session, for whoever commits it (see nurture.outbox)."""
    written = session.info.setdefault(WRITTEN, [])
    until = now + LEASE + len(written) * _EACH
    row = WakeupRow(
        kind=kind, key=key, flow=flow, sender=sender, created_at=now, claimed_until=until
    )
    session.add(row)
    written.append(row)
    return row


def leave_to_relay(session: AsyncSession, now: datetime) -> None:
    """Whoever writes here has no Temporal: a worker's relay may take the wake-ups at once."""
    for row in session.info.get(WRITTEN, ()):
        row.claimed_until = now


def later(
    session: AsyncSession, kind: str, key: str, at: datetime, flow: str = "", sender: str = ""
) -> None:
    """A wake-up that the relay hands over at that time."""
    session.add(
        WakeupRow(kind=kind, key=key, flow=flow, sender=sender, created_at=at, claimed_until=at)
    )


async def spread(
    session: AsyncSession, kind: str, names: Sequence[str], start: datetime, spacing: timedelta
) -> None:
    """Wake-ups that the relay hands over one after another, `spacing` apart, from `start` on."""
    for first in range(0, len(names), _PAGE):
        rows = [
            {"kind": kind, "key": name, "created_at": due, "claimed_until": due}
            for number, name in enumerate(names[first : first + _PAGE], start=first)
            for due in [start + number * spacing]
        ]
        await session.execute(insert(WakeupRow), rows)


def begins(now: datetime) -> ColumnElement[bool]:
    """Whether it is a run's first: its turn has come, and nobody has looked at it yet."""
    its = col(EnrolmentRow.id) == col(WakeupRow.key)
    return select(EnrolmentRow.id).where(its, *_unseen(now)).exists()


def _unseen(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The first look says until when a run waits, or what for."""
    run = EnrolmentRow
    started = col(run.started_at)
    return col(run.ended).is_(None), started <= now, col(run.wake_at) == started


async def take_left(session: AsyncSession, now: datetime, limit: int = LEFT) -> list[WakeupRow]:
    """Wake-ups whose lease ran out, now leased to the caller, but those of runs that begin. However many leads were
    enrolled at once, what sales was promised goes first."""
    lease, due = LEASE + limit * _EACH, "claimed_until"
    urgent = await leases.take(session, WakeupRow, due, now, lease, limit, _URGENT)
    if rest := limit - len(urgent):
        urgent += await leases.take(session, WakeupRow, due, now, lease, rest, ~begins(now))
    return urgent


async def take_beginning(
    session: AsyncSession, now: datetime, limit: int, *among: ColumnElement[bool]
) -> list[WakeupRow]:
    """The same of runs that begin."""
    due = "claimed_until"
    return await leases.take(session, WakeupRow, due, now, LEASE, limit, begins(now), *among)


async def unseen(session: AsyncSession, runs: Collection[str], now: datetime) -> set[str]:
    """Which of these enrolments nobody has looked at yet."""
    query = select(EnrolmentRow.id).where(col(EnrolmentRow.id).in_(runs), *_unseen(now))
    return set((await session.execute(query)).scalars())


async def waiting(session: AsyncSession, kind: str, keys: Collection[str]) -> set[str]:
    """Of whom Temporal is yet to be told, such as of a crowd's last ones."""
    row = WakeupRow
    query = select(row.key).where(col(row.kind) == kind, col(row.key).in_(keys))
    return set((await session.execute(query)).scalars())


async def done(session: AsyncSession, ids: Iterable[int]) -> None:
    await session.execute(delete(WakeupRow).where(col(WakeupRow.id).in_(list(ids))))


async def next_due(session: AsyncSession) -> datetime | None:
    """When the relay next has one to take."""
    value = (await session.execute(select(func.min(WakeupRow.claimed_until)))).scalar_one()
    return value if isinstance(value, datetime) else None
