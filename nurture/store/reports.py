"""The figures both departments look at, counted from the history. Definitions: docs/figures.md."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select as sa_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import case, col, func, select

from nurture.domain.lifecycle import Lifecycle
from nurture.domain.sla import GIVEN_BACK
from nurture.store import ad_lists
from nurture.store.handover_tables import HandoverEventRow, HandoverRow
from nurture.store.handovers import HANDOVER
from nurture.store.tables import EnrolmentRow, LeadRow, MessageRow, QuarantineRow, TouchRow

_MEMBERSHIP = ("desired", "confirmed", "pending", "owed_removals")


async def _groups(session: AsyncSession, column: Any, *where: Any) -> dict[str, int]:
    """Number of rows by the column's value, most first; None counts as empty."""
    query = select(column, func.count()).where(*where).group_by(column)
    rows = (await session.execute(query)).all()
    found = {str(value or ""): int(number) for value, number in rows}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


async def _count(session: AsyncSession, table: Any, *where: Any) -> int:
    query = select(func.count()).select_from(table).where(*where)
    return int((await session.execute(query)).scalar_one())


async def leads(session: AsyncSession, lifecycle: Lifecycle) -> dict[str, Any]:
    """Those that still are somebody: all; by stage, in order, also those with nobody in them; and those with an
    address by persona, most first. One pass over one index."""
    stage, persona = col(LeadRow.stage), col(LeadRow.persona)
    still = col(LeadRow.merged_into).is_(None), col(LeadRow.erased_at).is_(None)
    query: Any = sa_select(stage, persona, func.count(), func.count(col(LeadRow.email)))
    rows = (await session.execute(query.where(*still).group_by(stage, persona))).all()
    stages, personas = Counter[str](), Counter[str]()
    for at, who, number, with_address in rows:
        stages[at] += number
        personas[who or ""] += with_address
    return {
        "leads": stages.total(),
        "stages": {each.id: stages[each.id] for each in lifecycle.stages},
        "personas": dict(sorted((+personas).items(), key=lambda item: (-item[1], item[0]))),
    }


async def mails(session: AsyncSession) -> dict[str, Any]:
    """By state; refused ones by reason. `sent` are those a provider took."""
    states = await _groups(session, MessageRow.state)
    refused = await _groups(session, MessageRow.reason, col(MessageRow.state) == "refused")
    taken = ("accepted", "delivered", "complained")
    sent = sum(states.get(state, 0) for state in taken)
    return {
        "sent": sent,
        "refused": refused,
        "unknown": states.get("unknown", 0),
        "bounced": states.get("bounced", 0),
        "failed": states.get("failed", 0),
        "waiting": states.get("planned", 0) + states.get("claimed", 0),
    }


async def sla(session: AsyncSession, now: datetime) -> dict[str, Any]:
    """Sales' promise: answered (contacted, or closed by sales) by the deadline, or broken. As nurture.domain.figures
    has it."""
    contacted, closed = col(HandoverRow.contacted_at), col(HandoverRow.closed_at)
    by_sales = col(HandoverRow.state).in_(sorted(GIVEN_BACK))
    answered = func.coalesce(contacted, case((by_sales, closed)))
    verdict = case(
        (answered <= col(HandoverRow.due_at), "kept"),
        (answered > col(HandoverRow.due_at), "broken"),
        (closed < col(HandoverRow.due_at), "ended"),
        (col(HandoverRow.due_at) < now, "broken"),
        else_="running",
    )
    found = await _groups(session, verdict, col(HandoverRow.kind) == HANDOVER)
    ours = select(HandoverRow.id).where(col(HandoverRow.kind) == HANDOVER)
    told = await _groups(
        session,
        HandoverEventRow.detail,
        col(HandoverEventRow.kind) == "escalated",
        col(HandoverEventRow.handover_id).in_(ours),
    )
    return {
        **{name: found.get(name, 0) for name in ("kept", "broken", "running")},
        "escalated_to": told,
    }


async def handovers(session: AsyncSession) -> dict[str, int]:
    return await _groups(session, HandoverRow.state, col(HandoverRow.kind) == HANDOVER)


async def audiences(session: AsyncSession, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Per audience: how many should be on it, how many are, and what is owed."""
    counts = {**dict.fromkeys(names, ad_lists.Count()), **await ad_lists.counts(session)}
    return {
        name: {field: getattr(count, field) for field in _MEMBERSHIP}
        for name, count in counts.items()
    }


async def totals(session: AsyncSession) -> dict[str, int]:
    return {
        "touches": await _count(session, TouchRow),
        "enrolled": await _count(session, EnrolmentRow),
        "in_flows": await _count(session, EnrolmentRow, col(EnrolmentRow.ended).is_(None)),
        "handovers": await _count(session, HandoverRow, col(HandoverRow.kind) == HANDOVER),
        "tasks": await _count(session, HandoverRow, col(HandoverRow.kind) != HANDOVER),
        "quarantined": await _count(session, QuarantineRow),
    }
