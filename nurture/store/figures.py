"""Counting the figures of a period from the history, for everybody or split by what is known of a lead.

Nothing here is kept up to date by anybody: each figure is counted anew from touches, stage changes, sales,
enrolments and handovers. Definitions: docs/figures.md.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import case, col, exists, func, literal

from nurture.domain.figures import Counts
from nurture.domain.funnel import Funnel
from nurture.domain.periods import Period
from nurture.store.handover_tables import HandoverRow, SaleRow
from nurture.store.handovers import HANDOVER
from nurture.store.tables import EnrolmentRow, LeadRow, StageChangeRow, TouchRow

DIMENSIONS = ("persona", "source", "flow", "owner")


async def counts(
    session: AsyncSession,
    funnel: Funnel,
    currency: str,
    period: Period | None = None,
    by: str | None = None,
) -> dict[str, Counts]:
    """What happened in the period (None: ever) by the values of a dimension; without one all under "".

    Revenue is what was sold in `currency`.
    """
    moved = await _moves(session, funnel, period, by)
    sums = {
        "visits": await _visits(session, period, by),
        "revenue": await _revenue(session, currency, period, by),
        "mqls_again": await _again(session, funnel, "mqls", period, by),
        "sqls_again": await _again(session, funnel, "sqls", period, by),
    }
    orders = await _first_orders(session, period, by)
    values = {"", *moved, *orders, *(value for found in sums.values() for value in found)}
    return {
        value: Counts(
            **funnel.reached(moved.get(value, [])),
            **{name: found.get(value, 0) for name, found in sums.items()},
            first_order_seconds=tuple(orders.get(value, ())),
        )
        for value in sorted(values)
    }


async def last_news(session: AsyncSession) -> datetime | None:
    """When somebody last saw a page or bought something."""
    seen = select(func.max(TouchRow.at)).where(col(TouchRow.name) == "page")
    sold = select(func.max(SaleRow.at))
    found = [(await session.execute(query)).scalar_one() for query in (seen, sold)]
    return max((at for at in found if at), default=None)


async def other_revenue(
    session: AsyncSession, currency: str, period: Period | None = None
) -> dict[str, int]:
    """What was sold in other currencies than the promise's, by currency."""
    row = SaleRow
    query = (
        select(col(row.currency), func.sum(row.amount))
        .where(col(row.currency) != currency, *_within(row.at, period))
        .group_by(col(row.currency))
    )
    return {name: int(amount) for name, amount in (await session.execute(query)).all()}


def belonging(by: str | None, lead_id: Any, end: datetime | None) -> Any:
    """The value of a dimension for the lead in that column, as it stood at `end`, as an expression.

    Flow and owner are those of the latest enrolment and handover; persona and source are the lead's.
    """
    match by:
        case None:
            return literal("")
        case "flow":
            run = EnrolmentRow
            latest = select(col(run.flow)).where(col(run.lead_id) == lead_id)
            begun, tie = col(run.started_at), col(run.id)
        case "owner":
            row = HandoverRow
            latest = select(col(row.owner)).where(
                col(row.lead_id) == lead_id, col(row.kind) == HANDOVER
            )
            begun, tie = col(row.opened_at), col(row.id)
        case _:
            column = getattr(LeadRow, by)
            found = select(column).where(col(LeadRow.id) == lead_id).scalar_subquery()
            return func.coalesce(found, "")
    if end is not None:
        latest = latest.where(begun < end)
    newest = latest.order_by(begun.desc(), tie.desc()).limit(1).scalar_subquery()
    return func.coalesce(newest, "")


def _within(column: Any, period: Period | None) -> list[Any]:
    return [col(column) >= period.start, col(column) < period.end] if period else []


def _end(period: Period | None) -> datetime | None:
    return period.end if period else None


async def _split(
    session: AsyncSession, leads: Any, period: Period | None, by: str | None, *what: Any
) -> list[Any]:
    """Aggregates over a subquery with one row per lead (`lead_id`), by the dimension's values."""
    if by is None:  # grouping by a constant costs half as much again
        columns = [leads.c[name] for name in what]
        whole = select(literal(""), *columns, func.count(), func.sum(leads.c.n))
        rows = (await session.execute(whole.group_by(*columns) if columns else whole)).all()
        return [row for row in rows if row[-2]]
    value = belonging(by, leads.c.lead_id, _end(period)).label("value")
    valued = select(value, leads).subquery()
    columns = [valued.c[name] for name in what]
    query = select(valued.c.value, *columns, func.count(), func.sum(valued.c.n)).group_by(
        valued.c.value, *columns
    )
    return list((await session.execute(query)).all())


async def _visits(
    session: AsyncSession, period: Period | None, by: str | None
) -> Mapping[str, int]:
    where = [col(TouchRow.name) == "page", *_within(TouchRow.at, period)]
    if by is None:
        query = select(func.count()).select_from(TouchRow).where(*where)
        return {"": int((await session.execute(query)).scalar_one())}
    leads = (
        select(col(TouchRow.lead_id), func.count().label("n"))
        .where(*where)
        .group_by(col(TouchRow.lead_id))
        .subquery()
    )
    return {value: int(n) for value, _, n in await _split(session, leads, period, by)}


async def _revenue(
    session: AsyncSession, currency: str, period: Period | None, by: str | None
) -> Mapping[str, int]:
    leads = (
        select(col(SaleRow.lead_id), func.sum(SaleRow.amount).label("n"))
        .where(col(SaleRow.currency) == currency, *_within(SaleRow.at, period))
        .group_by(col(SaleRow.lead_id))
        .subquery()
    )
    return {value: int(n) for value, _, n in await _split(session, leads, period, by)}


async def _moves(
    session: AsyncSession, funnel: Funnel, period: Period | None, by: str | None
) -> dict[str, list[tuple[int | None, int, int]]]:
    """Of the leads that moved in the period: the highest position before it and at its end."""
    row = StageChangeRow
    position = case(funnel.ranks, value=col(row.to_stage), else_=None)
    what = [func.max(position).label("top"), literal(1).label("n")]
    query = select(col(row.lead_id), *what).group_by(col(row.lead_id))
    if period:
        before = case((col(row.at) < period.start, position), else_=None)
        query = query.add_columns(func.max(before).label("old"))
        moved = aliased(StageChangeRow)
        query = query.where(
            col(row.at) < period.end,
            col(row.lead_id).in_(select(col(moved.lead_id)).where(*_within(moved.at, period))),
        )
    found: dict[str, list[tuple[int | None, int, int]]] = defaultdict(list)
    leads = query.subquery()
    names = ("old", "top") if period else ("top",)
    for value, *old, top, number, _ in await _split(session, leads, period, by, *names):
        if top is not None:
            earlier = [int(rank) for rank in old if rank is not None]
            found[value].append((earlier[0] if earlier else None, int(top), int(number)))
    return found


async def _again(
    session: AsyncSession, funnel: Funnel, name: str, period: Period | None, by: str | None
) -> Mapping[str, int]:
    """Leads that came (back) to the mark in the period after they had fallen below it."""
    row, fall = StageChangeRow, aliased(StageChangeRow)
    high, low = funnel.at_least(name), funnel.below(name)
    leads = (
        select(col(row.lead_id), literal(1).label("n"))
        .join(fall, col(fall.lead_id) == col(row.lead_id))
        .where(
            col(fall.from_stage).in_(high),  # few fall, so they are looked for first
            col(fall.to_stage).in_(low),
            col(row.from_stage).in_(low),
            col(row.to_stage).in_(high),
            tuple_(col(fall.at), col(fall.id)) < tuple_(col(row.at), col(row.id)),
            *_within(row.at, period),
        )
        .distinct()
        .subquery()
    )
    return {value: int(n) for value, n, _ in await _split(session, leads, period, by)}


async def _first_orders(
    session: AsyncSession, period: Period | None, by: str | None
) -> Mapping[str, list[float]]:
    """Seconds from the first touch to the first order, of each lead whose first order is in the period."""
    row, earlier = SaleRow, aliased(SaleRow)
    query = (
        select(col(row.lead_id), func.min(row.at).label("at"), col(LeadRow.first_touch_at))
        .join(LeadRow, col(LeadRow.id) == col(row.lead_id))
        .where(col(LeadRow.first_touch_at).is_not(None), *_within(row.at, period))
        .group_by(col(row.lead_id), col(LeadRow.first_touch_at))
    )
    if period:
        before = exists().where(
            col(earlier.lead_id) == col(row.lead_id), col(earlier.at) < period.start
        )
        query = query.where(~before)
    leads = query.subquery()
    value = belonging(by, leads.c.lead_id, _end(period))
    found: dict[str, list[float]] = defaultdict(list)
    pairs = await session.execute(select(value, leads.c.at, leads.c.first_touch_at))
    for name, order, touch in pairs.all():
        found[name].append((order - touch).total_seconds())
    return found
