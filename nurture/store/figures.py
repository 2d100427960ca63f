"""Counting the figures of a period from the history: for everybody, for some, or split by what is known of a lead.

Nothing here is kept up to date by anybody: each figure is counted anew from touches, stage changes, sales,
enrolments and handovers. Definitions: docs/figures.md.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, exists, func, literal

from nurture.domain.figures import Counts
from nurture.domain.funnel import Funnel
from nurture.domain.periods import Period
from nurture.store import ways
from nurture.store.columns import within
from nurture.store.handover_tables import HandoverRow, SaleRow
from nurture.store.handovers import HANDOVER
from nurture.store.tables import EnrolmentRow, LeadRow, StageChangeRow, TouchRow

DIMENSIONS = ("persona", "source", "flow", "owner")


@dataclass(frozen=True)
class Scope:
    """Which leads are counted when (None: ever): those that belong to all the values of `only`, by dimension. `by`
    splits them; without it all stand under ""."""

    period: Period | None = None
    by: str | None = None
    only: Mapping[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        return self.by is None and not self.only

    def value(self, lead_id: Any) -> Any:
        """What the lead in that column stands under."""
        return self._belonging(self.by, lead_id)

    def holds(self, lead_id: Any) -> list[Any]:
        """The conditions for the lead in that column to be counted."""
        return [self._belonging(by, lead_id) == value for by, value in self.only.items()]

    def _belonging(self, by: str | None, lead_id: Any) -> Any:
        return belonging(by, lead_id, self.period.end if self.period else None)


async def counts(
    session: AsyncSession, funnel: Funnel, currency: str, scope: Scope
) -> dict[str, Counts]:
    """What happened, by the values of the scope's dimension. Revenue is what was sold in `currency`."""
    marks = await _marks(session, funnel, scope)
    sums = {
        "visits": await _visits(session, scope),
        "revenue": await _revenue(session, currency, scope),
        "mqls_again": await _again(session, funnel, "mqls", scope),
        "sqls_again": await _again(session, funnel, "sqls", scope),
    }
    orders = await _first_orders(session, scope)
    values = {"", *marks, *orders, *(value for found in sums.values() for value in found)}
    return {
        value: Counts(
            **marks.get(value, {}),
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


async def other_revenue(session: AsyncSession, currency: str, scope: Scope) -> dict[str, int]:
    """What was sold in other currencies than the promise's, by currency."""
    row = SaleRow
    query = (
        select(col(row.currency), func.sum(row.amount))
        .where(
            col(row.currency) != currency,
            *within(row.at, scope.period),
            *scope.holds(col(row.lead_id)),
        )
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


async def _split(session: AsyncSession, leads: Any, scope: Scope, *what: Any) -> list[Any]:
    """Aggregates over a subquery with rows of leads (`lead_id`), by the dimension's values."""
    lead_id = leads.c.lead_id
    chosen = scope.holds(lead_id)
    if scope.by is None:  # grouping by a constant costs half as much again
        columns = [leads.c[name] for name in what]
        whole = select(literal(""), *columns, func.sum(leads.c.n)).where(*chosen)
        rows = (await session.execute(whole.group_by(*columns) if columns else whole)).all()
        return [row for row in rows if row[-1]]
    valued = select(scope.value(lead_id).label("value"), leads).where(*chosen).subquery()
    columns = [valued.c.value, *(valued.c[name] for name in what)]
    query = select(*columns, func.sum(valued.c.n)).group_by(*columns)
    return list((await session.execute(query)).all())


async def _visits(session: AsyncSession, scope: Scope) -> Mapping[str, int]:
    where = [col(TouchRow.name) == "page", *within(TouchRow.at, scope.period)]
    if scope.whole:
        query = select(func.count()).select_from(TouchRow).where(*where)
        return {"": int((await session.execute(query)).scalar_one())}
    leads = (
        select(col(TouchRow.lead_id), func.count().label("n"))
        .where(*where)
        .group_by(col(TouchRow.lead_id))
        .subquery()
    )
    return {value: int(n) for value, n in await _split(session, leads, scope)}


async def _revenue(session: AsyncSession, currency: str, scope: Scope) -> Mapping[str, int]:
    leads = (
        select(col(SaleRow.lead_id), func.sum(SaleRow.amount).label("n"))
        .where(col(SaleRow.currency) == currency, *within(SaleRow.at, scope.period))
        .group_by(col(SaleRow.lead_id))
        .subquery()
    )
    return {value: int(n) for value, n in await _split(session, leads, scope)}


async def _marks(
    session: AsyncSession, funnel: Funnel, scope: Scope
) -> Mapping[str, Mapping[str, int]]:
    """How many leads came to each mark for the first time."""
    if scope.whole:
        [counted] = await ways.counts(session, funnel, [scope.period])
        return {"": counted}
    row, marks = StageChangeRow, await ways.marks_of(session, funnel)
    moved = col(row.way).in_(sorted(marks)), *within(row.at, scope.period)
    leads = select(col(row.lead_id), col(row.way), literal(1).label("n")).where(*moved).subquery()
    found: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(funnel.marks, 0))
    for value, way, number in await _split(session, leads, scope, "way"):
        for mark in marks[way]:
            found[value][mark] += int(number)
    return found


async def _again(
    session: AsyncSession, funnel: Funnel, name: str, scope: Scope
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
            *within(row.at, scope.period),
        )
        .distinct()
        .subquery()
    )
    return {value: int(n) for value, n in await _split(session, leads, scope)}


async def _first_orders(session: AsyncSession, scope: Scope) -> Mapping[str, list[float]]:
    """Seconds from the first touch to the first order, of each lead whose first order is in the period."""
    row, earlier = SaleRow, aliased(SaleRow)
    query = (
        select(col(row.lead_id), func.min(row.at).label("at"), col(LeadRow.first_touch_at))
        .join(LeadRow, col(LeadRow.id) == col(row.lead_id))
        .where(col(LeadRow.first_touch_at).is_not(None), *within(row.at, scope.period))
        .group_by(col(row.lead_id), col(LeadRow.first_touch_at))
    )
    if scope.period:
        before = exists().where(
            col(earlier.lead_id) == col(row.lead_id), col(earlier.at) < scope.period.start
        )
        query = query.where(~before)
    leads = query.subquery()
    told = select(scope.value(leads.c.lead_id), leads.c.at, leads.c.first_touch_at)
    found: dict[str, list[float]] = defaultdict(list)
    pairs = await session.execute(told.where(*scope.holds(leads.c.lead_id)))
    for name, order, touch in pairs.all():
        found[name].append((order - touch).total_seconds())
    return found
