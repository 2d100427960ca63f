"""The product's state of health as numbers, for whoever is woken when one of them is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain.sla import RUNNING
from nurture.playbook import Playbook
from nurture.store import audiences, lines, messages
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.backlog import ENROLMENTS, backlog
from nurture.store.feedback_tables import SenderRow
from nurture.store.handover_tables import HandoverRow, NoticeRow, ReceiverRow
from nurture.store.tables import MessageRow, PlaybookInForceRow, QuarantineRow
from nurture.store.upkeep_tables import DriftRow, UpkeepRow

_ODD = (
    (
        "nurture_mails_unknown",
        "Mails of which nobody knows whether they went out",
        select(func.count(col(MessageRow.id))).where(col(MessageRow.state) == messages.UNKNOWN),
    ),
    (
        "nurture_notices_dead",
        "Notices to sales that were given up",
        select(func.count(col(NoticeRow.id))).where(
            col(NoticeRow.dead_at).is_not(None),
            col(NoticeRow.delivered_at).is_(None),
            col(NoticeRow.error) != "",  # an erasure withdrew it
        ),
    ),
    (
        "nurture_receivers_closed",
        "Receivers that want no more calls (410)",
        select(func.count(col(ReceiverRow.name))),
    ),
    (
        "nurture_senders_paused",
        "Senders that stand still until a person resumes them",
        select(func.count(col(SenderRow.id))).where(col(SenderRow.paused_at).is_not(None)),
    ),
    (
        "nurture_quarantined",
        "Messages that could not be used",
        select(func.count(col(QuarantineRow.id))),
    ),
)
"""What only a person can settle: the gauge, what it means, and how it is counted."""

_LATELY = timedelta(days=1)
"""Mails that were claimed since then are told by their state: long enough that most which come back have done so."""


@dataclass(frozen=True)
class Vital:
    """One gauge in Prometheus' words. `help` says what the number means."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


async def vitals(session: AsyncSession, book: Playbook, now: datetime) -> list[Vital]:
    """Under the playbook in force. Every look is by an index and costs what is wrong, or what a day sends, not what
    there is."""
    return [
        *await _due(session, book, now),
        *await _mails(session, now),
        *await _clocks(session, now),
        *await _untold(session, now),
        *await for_people(session, now),
        *await _drift(session, now),
    ]


async def for_people(session: AsyncSession, now: datetime) -> list[Vital]:
    """What nobody but a person can settle, and removals, which protect people."""
    return [*await _removals(session, now), *await _odd(session)]


async def _due(session: AsyncSession, book: Playbook, now: datetime) -> list[Vital]:
    """Steps that stand in the line of a sender with a rate are told apart as long as it moves."""
    steps = await lines.due_by_flow(session, now)
    paced = await lines.of_senders(session, book, steps, now)
    told = "Steps that are due and wait for their sender's rate"
    found = [
        Vital("nurture_paced", told, 0 if line.is_late(now) else line.due.number, {"sender": name})
        for name, line in paced.items()
    ]
    enrolments = lines.late(steps, paced.values(), now)
    others = await backlog(session, now, but={ENROLMENTS})
    for kind, late in {ENROLMENTS: enrolments, **others}.items():
        labels = {"kind": kind}
        number, oldest = "nurture_due", "nurture_due_oldest_seconds"
        found += [
            Vital(number, "Due by now and not done yet", late.number, labels),
            Vital(oldest, "Since when the oldest of them is due", _age(late.since, now), labels),
        ]
    return found


async def _mails(session: AsyncSession, now: datetime) -> list[Vital]:
    found = await messages.counts(session, since=now - _LATELY)
    told = "Mails of the last day, by what became of them"
    return [
        Vital("nurture_mails", told, found.get(state, 0), {"state": state})
        for state in messages.STATES
    ]


async def _clocks(session: AsyncSession, now: datetime) -> list[Vital]:
    """Handovers that nobody has called yet, by whether the time for it is over: it stands still while a lead asked to
    wait, and no longer."""
    over = col(HandoverRow.due_at) <= now
    query = (
        select(over, func.count())
        .where(col(HandoverRow.closed_at).is_(None), col(HandoverRow.state).in_(sorted(RUNNING)))
        .group_by(over)
    )
    found = {bool(late): number for late, number in (await session.execute(query)).all()}
    told = "Handovers and tasks that wait for sales, by their clock"
    return [
        Vital("nurture_handovers_waiting", told, found.get(late, 0), {"clock": clock})
        for clock, late in (("running", False), ("overdue", True))
    ]


async def _untold(session: AsyncSession, now: datetime) -> list[Vital]:
    """However often it was tried: a receiver that fails for three days is no news on the third."""
    row = NoticeRow
    query = select(func.count(), func.min(col(row.created_at)))
    number, since = (
        await session.execute(
            query.where(col(row.delivered_at).is_(None), col(row.dead_at).is_(None))
        )
    ).one()
    return [
        Vital("nurture_notices_untold", "Notices that sales has not been told yet", number),
        Vital("nurture_notices_untold_oldest_seconds", "Age of the oldest", _age(since, now)),
    ]


async def _removals(session: AsyncSession, now: datetime) -> list[Vital]:
    """People whom a platform may still hold although they should be on its list no more."""
    row = AudienceMemberRow
    query = select(func.count(), func.min(col(row.changed_at))).where(*audiences.LEAVING)
    number, since = (await session.execute(query)).one()
    return [
        Vital("nurture_removals_owed", "Removals owed to ad platforms", number),
        Vital("nurture_removals_owed_oldest_seconds", "Age of the oldest", _age(since, now)),
    ]


async def _odd(session: AsyncSession) -> list[Vital]:
    return [
        Vital(name, told, (await session.execute(query)).scalar_one()) for name, told, query in _ODD
    ]


async def _drift(session: AsyncSession, now: datetime) -> list[Vital]:
    """What the latest nightly comparison with Temporal found, and how long ago it ended."""
    row = UpkeepRow
    query = select(row).where(col(row.ended_at).is_not(None)).order_by(col(row.began_at).desc())
    last = (await session.execute(query.limit(1))).scalar_one_or_none()
    count = select(func.count()).where(col(DriftRow.upkeep_id) == (last.id if last else ""))
    found = (await session.execute(count)).scalar_one()
    beginning = select(func.min(col(PlaybookInForceRow.at)))
    since = last.ended_at if last else (await session.execute(beginning)).scalar_one()
    told = "Since the last upkeep; without any since the first playbook came into force"
    return [
        Vital("nurture_drift", "Differences from Temporal that the last upkeep repaired", found),
        Vital("nurture_upkeep_age_seconds", told, _age(since, now)),
    ]


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0
