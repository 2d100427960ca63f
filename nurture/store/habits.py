"""What people did with our mails, and sales with the leads it was given, counted for forecasts."""

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import select as select_columns
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func

from nurture.domain.habits import Answers, Habits, Reactions
from nurture.domain.sla import State
from nurture.store.handover_tables import HandoverRow
from nurture.store.handovers import HANDOVER
from nurture.store.tables import MessageRow, TouchRow

PERIOD = timedelta(days=180)
"""As far back as a forecast looks: who read what two years ago tells little."""


async def of(session: AsyncSession, now: datetime) -> Habits:
    """The habits of the last half year."""
    since = now - PERIOD
    sent = await _sent(session, since)
    hits = await _hits(session, since)
    steps = {
        step: Reactions(number, hits["opened"][step], hits["clicked"][step])
        for step, number in sent.items()
    }
    mails = Reactions(
        sum(sent.values()),
        sum(each.opened for each in steps.values()),
        sum(each.clicked for each in steps.values()),
        await _count(session, "sales_conversation", since, replies=True),
        await _count(session, "unsubscribed", since),
    )
    return Habits(mails, steps, await _answers(session, since))


async def _sent(session: AsyncSession, since: datetime) -> dict[tuple[str, str], int]:
    row = MessageRow
    query = (
        select_columns(col(row.flow), col(row.step), func.count())
        .where(col(row.sent_at) > since)
        .group_by(col(row.flow), col(row.step))
    )
    return {(flow, step): number for flow, step, number in await session.execute(query)}


async def _hits(
    session: AsyncSession, since: datetime
) -> dict[str, defaultdict[tuple[str, str], int]]:
    """Different mails that a person opened or clicked, by flow and step."""
    row = TouchRow
    said = col(row.properties)
    flow, step = said["flow"].as_string(), said["step"].as_string()
    query = (
        select_columns(
            col(row.name), flow, step, func.count(func.distinct(said["message"].as_string()))
        )
        .where(
            col(row.name).in_(("opened", "clicked")),
            col(row.at) > since,
            col(row.machine).is_(None),
        )
        .group_by(col(row.name), flow, step)
    )
    found: dict[str, defaultdict[tuple[str, str], int]] = {
        "opened": defaultdict(int),
        "clicked": defaultdict(int),
    }
    for name, of_flow, of_step, number in await session.execute(query):
        found[name][of_flow, of_step] = number
    return found


async def _count(session: AsyncSession, touch: str, since: datetime, replies: bool = False) -> int:
    query = (
        select_columns(func.count())
        .select_from(TouchRow)
        .where(col(TouchRow.name) == touch, col(TouchRow.at) > since)
    )
    if replies:
        query = query.where(col(TouchRow.properties)["kind"].as_string() == "reply")
    return int((await session.execute(query)).scalar_one())


async def _answers(session: AsyncSession, since: datetime) -> Answers:
    row = HandoverRow
    query = select_columns(
        col(row.state), col(row.opened_at), col(row.contacted_at), col(row.closed_at)
    ).where(col(row.kind) == HANDOVER, col(row.opened_at) > since, col(row.closed_at).is_not(None))
    rows = (await session.execute(query)).all()
    contacted = [(at, opened, closed) for _, opened, at, closed in rows if at and closed]
    return Answers(
        closed=len(rows),
        accepted=sum(state in (State.WON, State.LOST) for state, *_ in rows),
        won=sum(state == State.WON for state, *_ in rows),
        contacted_after=_average([at - opened for at, opened, _ in contacted]),
        decided_after=_average([closed - at for at, _, closed in contacted]),
    )


def _average(spans: list[timedelta]) -> timedelta:
    return sum(spans, timedelta()) / len(spans) if spans else timedelta()
