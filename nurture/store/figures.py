"""Counting the figures of periods from the history: for everybody, for some, or split by what is known of a lead.

Nothing here is kept up to date by anybody: each figure is counted anew from touches, stage changes, sales,
enrolments and handovers. Definitions: docs/figures.md.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import literal, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, exists, func

from nurture.domain.figures import Counts
from nurture.domain.funnel import Funnel
from nurture.domain.periods import Period
from nurture.store import ways
from nurture.store.columns import table
from nurture.store.handover_tables import SaleRow
from nurture.store.scope import Scope
from nurture.store.tables import LeadRow, StageChangeRow, TouchRow


@dataclass(frozen=True)
class _Sum:
    """A number of rows, or what they come to: of the lead `lead_id`, at a time `at`."""

    lead_id: Any
    at: Any
    number: Any
    where: Sequence[Any]


async def counts(
    session: AsyncSession, funnel: Funnel, currency: str, scope: Scope, brief: bool = False
) -> list[dict[str, Counts]]:
    """What happened in each of the scope's periods, by the values of its dimension. Revenue is what was sold in
    `currency`. `brief`: only how many came to each mark after the visitors', and revenue; the rest is not asked for."""
    known = await ways.known(session, funnel)
    _, *further = marks = list(funnel.marks)
    sums = {
        **{mark: _first(known.first[mark]) for mark in (further if brief else marks)},
        "revenue": _revenue(currency),
    }
    orders: Sequence[Mapping[str, Sequence[float]]] = [{} for _ in scope.periods]
    if not brief:
        sums |= {
            "visits": _visits(),
            "mqls_again": _again(funnel, "mqls", known),
            "sqls_again": _again(funnel, "sqls", known),
        }
        orders = await _first_orders(session, scope)
    summed = await _summed(session, scope, sums)
    return [
        {
            value: Counts(**found.get(value, {}), first_order_seconds=tuple(seconds.get(value, ())))
            for value in sorted({"", *found, *seconds})
        }
        for found, seconds in zip(summed, orders, strict=True)
    ]


async def came(
    session: AsyncSession, funnel: Funnel, periods: Sequence[Period]
) -> list[dict[str, int]]:
    """How many leads came to each mark for the first time, in each of the periods."""
    known = await ways.known(session, funnel)
    sums = {mark: _first(known.first[mark]) for mark in funnel.marks}
    return [found[""] for found in await _summed(session, Scope(periods), sums)]


async def last_news(session: AsyncSession) -> datetime | None:
    """When somebody last saw a page or bought something."""
    seen = select(func.max(TouchRow.at)).where(col(TouchRow.name) == "page")
    sold = select(func.max(SaleRow.at))
    found = [(await session.execute(query)).scalar_one() for query in (seen, sold)]
    return max((at for at in found if at), default=None)


async def other_revenue(
    session: AsyncSession, currency: str, scope: Scope
) -> list[dict[str, dict[str, int]]]:
    """What was sold in other currencies than the promise's in each of the scope's periods: by the values of its
    dimension, by currency."""
    sale, number = table(SaleRow).c, scope.stretch.c.number
    query = (
        select(
            number,
            scope.value(sale.lead_id).label("value"),
            sale.currency,
            func.sum(sale.amount),
        )
        .select_from(*scope.rows(sale.lead_id))
        .where(sale.currency != currency, *scope.within(sale.at), *scope.holds(sale.lead_id))
        .group_by(number, "value", sale.currency)
        .order_by(sale.currency)
    )
    found: list[dict[str, dict[str, int]]] = [defaultdict(dict) for _ in scope.periods]
    for period, value, name, amount in await session.execute(query):
        found[period][value][name] = int(amount)
    return found


def _visits() -> _Sum:
    touch = table(TouchRow).c
    return _Sum(touch.lead_id, touch.at, func.count(), [touch.name == "page"])


def _revenue(currency: str) -> _Sum:
    sale = table(SaleRow).c
    return _Sum(sale.lead_id, sale.at, func.sum(sale.amount), [sale.currency == currency])


def _first(these: Sequence[str]) -> _Sum:
    """Leads that came to a mark for the first time."""
    row = table(StageChangeRow).c
    return _Sum(row.lead_id, row.at, func.count(), [row.way.in_(these)])


def _again(funnel: Funnel, mark: str, known: ways.Ways) -> _Sum:
    """Leads that came (back) to the mark after they had fallen below it. Few have been there before, so those
    are looked for first; where histories were joined that alone does not mean that they fell."""
    row, falls = table(StageChangeRow).c, table(StageChangeRow).alias("fall")
    fall, high, low = falls.c, funnel.at_least(mark), funnel.below(mark)
    fell = (
        exists()
        .where(
            fall.lead_id == row.lead_id,
            fall.from_stage.in_(high),
            fall.to_stage.in_(low),
            tuple_(fall.at, fall.id) < tuple_(row.at, row.id),
        )
        .correlate_except(falls)
    )
    rose = row.way.in_(known.again[mark]), row.from_stage.in_(low), fell
    return _Sum(row.lead_id, row.at, func.count(row.lead_id.distinct()), rose)


async def _summed(
    session: AsyncSession, scope: Scope, sums: Mapping[str, _Sum]
) -> list[dict[str, dict[str, int]]]:
    """In each of the scope's periods, by the values of its dimension, by name."""
    found: list[dict[str, dict[str, int]]] = [defaultdict(dict) for _ in scope.periods]
    if scope.by is None:
        for number, *numbers in await session.execute(_whole(scope, sums)):
            found[number][""] = {
                name: int(sum_ or 0) for name, sum_ in zip(sums, numbers, strict=True)
            }
    else:
        for number, name, value, sum_ in await session.execute(_split(scope, sums)):
            found[number][value][name] = int(sum_)
    return found


def _whole(scope: Scope, sums: Mapping[str, _Sum]) -> Any:
    """A row for each period, a column for each sum: every one is read off an index, nothing is grouped."""
    stretch = scope.stretch
    columns = [
        select(sum_.number)
        .select_from(*scope.rows(sum_.lead_id))
        .where(*sum_.where, *scope.within(sum_.at), *scope.holds(sum_.lead_id))
        .correlate(stretch)
        .scalar_subquery()
        for sum_ in sums.values()
    ]
    return select(stretch.c.number, *columns)


def _split(scope: Scope, sums: Mapping[str, _Sum]) -> Any:
    """A row for each sum that is not nothing, by period and value."""
    number = scope.stretch.c.number
    rows = [
        select(
            number,
            literal(name).label("name"),
            scope.value(sum_.lead_id).label("value"),
            sum_.number,
        )
        .select_from(*scope.rows(sum_.lead_id))
        .where(*sum_.where, *scope.within(sum_.at), *scope.holds(sum_.lead_id))
        .group_by(number, "value")
        for name, sum_ in sums.items()
    ]
    return union_all(*rows)


async def _first_orders(session: AsyncSession, scope: Scope) -> list[Mapping[str, list[float]]]:
    """Seconds from the first touch to the first order, of each lead whose first order is in the period."""
    sale, lead, stretch = table(SaleRow).c, table(LeadRow).c, scope.stretch
    sales = table(SaleRow).alias("earlier")
    before = exists().where(sales.c.lead_id == sale.lead_id, sales.c.at < stretch.c.begins)
    query = (
        select(
            stretch.c.number,
            scope.value(sale.lead_id).label("value"),
            func.min(sale.at),
            lead.first_touch_at,
        )
        .select_from(*scope.rows(sale.lead_id))
        .where(
            lead.id == sale.lead_id,
            lead.first_touch_at.is_not(None),
            ~before.correlate_except(sales),
            *scope.within(sale.at),
            *scope.holds(sale.lead_id),
        )
        .group_by(stretch.c.number, "value", sale.lead_id, lead.first_touch_at)
    )
    found: list[dict[str, list[float]]] = [defaultdict(list) for _ in scope.periods]
    for number, value, order, touch in await session.execute(query):
        found[number][value].append((order - touch).total_seconds())
    return list(found)
