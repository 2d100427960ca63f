"""What should have happened by now and has not: the work that a quiet product has none of."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import literal
from sqlalchemy import select as select_columns
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from nurture.store import messages, reports_sent, wakeups
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.handover_tables import NoticeRow
from nurture.store.tables import (
    CallRow,
    ClickRow,
    EnrolmentRow,
    LeadRow,
    MessageRow,
    ReportSentRow,
    WakeupRow,
)


@dataclass(frozen=True)
class Late:
    """How many are due and not done, and since when the oldest of them."""

    number: int = 0
    since: datetime | None = None


ENROLMENTS = "enrolments"

REPORT = "report"
"""The kind of what stands still where a report's workflow would go on."""


@dataclass(frozen=True)
class Standing:
    """What stands still: `kind` and `key` of the workflow that would act on it, or of the row itself where none does,
    but the loop beside the worker that takes what is due."""

    kind: str
    key: str
    flow: str = ""


@dataclass(frozen=True)
class _Due:
    """Rows are due `since`, unless `where` says that they are done. `stands`: a Standing's columns; none where it takes
    more than a row to say what stands still."""

    since: Any
    where: tuple[Any, ...] = ()
    stands: tuple[Any, ...] = ()


def _due(at: datetime) -> dict[str, _Due]:
    """Every time at which somebody has to act and that is kept in a row of what it is for. Handovers' are worked out
    from their terms, audiences' from all that is known of them (see nurture.audiences.keeper)."""
    mail, notice, member, report = MessageRow, NoticeRow, AudienceMemberRow, ReportSentRow
    return {
        # runs that wait for their turn to begin are among the enrolments; a repair would write the like
        "wakeups": _Due(col(WakeupRow.created_at), (~wakeups.begins(at),)),
        ENROLMENTS: _Due(col(EnrolmentRow.wake_at), (col(EnrolmentRow.ended).is_(None),)),
        "mails": _Due(
            col(mail.claimed_at),
            (col(mail.state) == messages.CLAIMED,),
            (literal(wakeups.ENROLMENT), col(mail.enrolment_id), col(mail.flow)),
        ),
        "notices": _Due(
            col(notice.next_attempt_at),
            (*_untold(notice), ~_behind_another(at)),
            (literal(wakeups.HANDOVER), col(notice.handover_id), literal("")),
        ),
        "calls": _Due(col(CallRow.next_attempt_at), (), _itself("call", CallRow.id)),
        "audience_changes": _Due(
            col(member.next_try_at), (col(member.desired) != col(member.confirmed),)
        ),
        "reports": _Due(
            func.coalesce(report.next_try_at, report.changed_at),
            (col(report.state).in_(reports_sent.OPEN), col(report.run) != ""),
            (literal(REPORT), col(report.run), literal("")),
        ),
        "clicks": _Due(col(ClickRow.due), (), _itself("click", ClickRow.touch_id)),
        "expired_scores": _Due(col(LeadRow.next_score_at), (), _itself("score", LeadRow.id)),
    }


def _itself(kind: str, key: Any) -> tuple[Any, ...]:
    """No workflow acts on it."""
    return literal(kind), col(key), literal("")


def _untold(notice: Any) -> tuple[Any, ...]:
    return col(notice.delivered_at).is_(None), col(notice.dead_at).is_(None)


def _behind_another(at: datetime) -> Any:
    """Notices of a handover go out in order: while one waits for its next try, those after it do."""
    other = aliased(NoticeRow)
    its = col(other.handover_id) == col(NoticeRow.handover_id)
    earlier = col(other.number) < col(NoticeRow.number)
    waits = *_untold(other), col(other.next_attempt_at) > at
    return select(other.id).where(its, earlier, *waits).exists()


async def backlog(
    session: AsyncSession, at: datetime, but: Collection[str] = ()
) -> dict[str, Late]:
    """What was due at that moment and is not done, by kind, `but` some; each by an index on its due time.

    Give a moment a little before now: what has just become due is not late yet.
    """
    found = {}
    for name, due in _due(at).items():
        if name not in but:
            query = select(func.count(), func.min(due.since)).where(due.since <= at, *due.where)
            found[name] = Late(*(await session.execute(query)).one())
    return found


TOLD = tuple(name for name, due in _due(datetime.max.replace(tzinfo=UTC)).items() if due.stands)
"""The kinds of which is told one by one what stands still."""


async def overdue(
    session: AsyncSession, name: str, at: datetime, after: str, limit: int
) -> list[Standing]:
    """The next page, in the order of its keys, of what was due by then and is not done."""
    due = _due(at)[name]
    _, key, _ = due.stands
    query = select_columns(*due.stands).where(due.since <= at, *due.where, key > after)
    rows = (await session.execute(query.distinct().order_by(key).limit(limit))).all()
    return [Standing(*row) for row in rows]
