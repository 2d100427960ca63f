"""Every figure is what one gets by going through the whole history row by row, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.figures import Counts
from nurture.domain.funnel import funnel
from nurture.domain.periods import Period
from nurture.store import agreement, figures, ways
from nurture.store.database import Database
from nurture.store.figures import Scope
from nurture.store.handover_tables import HandoverRow, HandoverRuleRow, SaleRow
from nurture.store.tables import EnrolmentRow, LeadRow, StageChangeRow, TouchRow
from tests.support import history as oracle
from tests.support.history import START, WHOLE, History, histories, periods
from tests.support.playbook import LIFECYCLE

FUNNEL = funnel(LIFECYCLE, "mql", "sql", "customer")
EVER = Period("2026-03", START, START + 2 * WHOLE)
TABLES = (
    HandoverRuleRow,
    HandoverRow,
    EnrolmentRow,
    SaleRow,
    StageChangeRow,
    TouchRow,
    LeadRow,
)
EXAMPLES = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
BY = (None, *figures.DIMENSIONS)


@asynccontextmanager
async def _told(url: str, history: History) -> AsyncIterator[AsyncSession]:
    """A session in a database that holds this history and nothing else."""
    db = Database(url, pool=1)
    async with db.write() as session:
        for table in TABLES:
            await session.execute(delete(table))
        for table in reversed(TABLES):
            session.add_all([table(**row.model_dump()) for row in history.of(table)])
            await session.flush()
        for lead in history.of(LeadRow):
            await ways.retell(session, lead.id)
    async with db.read() as session:
        yield session
    await db.close()


def _run(what: Coroutine[Any, Any, None]) -> None:
    asyncio.run(what)


async def _counted(
    session: AsyncSession,
    period: Period | None,
    by: str | None,
    only: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Counts]:
    found = await figures.counts(session, FUNNEL, "DKK", Scope(period, by, only))
    return {
        value: replace(each, first_order_seconds=tuple(sorted(each.first_order_seconds)))
        for value, each in found.items()
        if each != Counts()
    }


@EXAMPLES
@given(history=histories(), period=periods())
def test_the_figures_of_a_period_are_those_of_the_history_by_every_dimension(
    database_url: str, history: History, period: Period
) -> None:
    async def check() -> None:
        async with _told(database_url, history) as session:
            for by in BY:
                assert await _counted(session, period, by) == oracle.counts(history, period, by)

    _run(check())


@EXAMPLES
@given(history=histories(), period=periods())
def test_filters_leave_those_that_belong_to_all_of_them(
    database_url: str, history: History, period: Period
) -> None:
    only = {"persona": "pro", "flow": "welcome", "owner": "Bo"}

    async def check() -> None:
        async with _told(database_url, history) as session:
            found = await _counted(session, period, "source", only)
        chosen = [
            lead
            for lead in history.of(LeadRow)
            if all(
                oracle.value_of(history, lead, by, period.end) == value
                for by, value in only.items()
            )
        ]
        assert found == oracle.counts(history, period, "source", chosen)

    _run(check())


@EXAMPLES
@given(history=histories(), cut=periods())
def test_periods_that_follow_each_other_add_up_to_ever(
    database_url: str, history: History, cut: Period
) -> None:
    ends = [START, cut.start, cut.end, EVER.end]

    async def check() -> None:
        async with _told(database_url, history) as session:
            parts = [
                (await figures.counts(session, FUNNEL, "DKK", Scope(Period("2026-03", *pair))))[""]
                for pair in pairwise(ends)
            ]
            [ever] = (await figures.counts(session, FUNNEL, "DKK", Scope())).values()
        for name in ("visits", *FUNNEL.marks, "revenue"):
            assert sum(getattr(part, name) for part in parts) == getattr(ever, name)
        orders = [seconds for part in parts for seconds in part.first_order_seconds]
        assert sorted(orders) == sorted(ever.first_order_seconds)

    _run(check())


@EXAMPLES
@given(history=histories(), period=periods())
def test_sales_side_is_that_of_the_history_by_every_dimension(
    database_url: str, history: History, period: Period
) -> None:
    async def check() -> None:
        async with _told(database_url, history) as session:
            for by in BY:
                found = await agreement.given(session, Scope(period, by))
                wanted = oracle.given(history, period, by)
                assert {value: sorted(map(str, each)) for value, each in found.items()} == {
                    value: sorted(map(str, each)) for value, each in wanted.items()
                }
            rules = await agreement.by_rule(session, Scope(period))
            triggers = await agreement.by_trigger(session, Scope(period))
            reasons = await agreement.rejects(session, Scope(period))
        assert {each.name: (each.handovers, each.rejected) for each in rules} == (
            oracle.rejected_by_rule(history, period)
        )
        [all_] = list(oracle.given(history, period, None).values()) or [[]]
        assert sum(each.handovers for each in triggers) == len(all_)
        assert sum(reasons.values()) == sum(each.rejected for each in all_)

    _run(check())


@pytest.mark.parametrize("by", BY)
async def test_a_lead_that_came_back_is_no_second_mql_but_counted_apart(
    db: Database, by: str | None
) -> None:
    way = ("visitor", "lead", "mql", "lead", "mql")
    async with db.write() as session:
        session.add(LeadRow(id="a", stage="mql", source="", created_at=START))
        for day, (old, new) in enumerate(zip((None, *way), way, strict=False)):
            at = START + timedelta(days=day)
            row = StageChangeRow(lead_id="a", from_stage=old, to_stage=new, at=at, by="rule")
            session.add(row)
        await session.flush()
        await ways.retell(session, "a")
    async with db.read() as session:
        [whole] = (await figures.counts(session, FUNNEL, "DKK", Scope(EVER, by))).values()
        late = Period("2026-03", START + timedelta(days=4), EVER.end)
        [later] = (await figures.counts(session, FUNNEL, "DKK", Scope(late, by))).values()
    assert (whole.mqls, whole.mqls_again) == (1, 1)
    assert (later.mqls, later.mqls_again) == (0, 1)
