"""Every figure is what one gets by going through the whole history row by row, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.figures import Counts, Given
from nurture.domain.funnel import funnel
from nurture.domain.periods import EVER, Period
from nurture.domain.sla import State
from nurture.store import agreement, figures, leads, ways
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow, HandoverRuleRow, SaleRow
from nurture.store.scope import DIMENSIONS, Scope
from nurture.store.tables import EnrolmentRow, LeadRow, StageChangeRow, TouchRow
from tests.support import history as oracle
from tests.support.history import START, WHOLE, History, histories, periods
from tests.support.playbook import LIFECYCLE

FUNNEL = funnel(LIFECYCLE, "mql", "sql", "customer")
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
BY = (None, *DIMENSIONS)


@asynccontextmanager
async def _told(url: str, history: History) -> AsyncIterator[AsyncSession]:
    """A session in a database that holds this history and nothing else."""
    db = Database(url, pool=1)
    async with db.write() as session:
        for table in TABLES:
            await session.execute(delete(table))
        for table in reversed(TABLES):
            if table is StageChangeRow:
                continue
            session.add_all([table(**row.model_dump()) for row in history.of(table)])
            await session.flush()
        for lead in history.of(LeadRow):
            await _move(session, lead.id, history)
    async with db.read() as session:
        yield session
    await db.close()


async def _move(session: AsyncSession, lead_id: str, history: History) -> None:
    """As the product does. What happened on an odd day is heard of late: after all else."""
    row = await session.get_one(LeadRow, lead_id)
    moves = history.of(StageChangeRow, lead_id=lead_id)
    newest = START
    for move in sorted(moves, key=lambda each: (each.at.day % 2, each.at)):
        row.stage = move.from_stage
        if move.at < newest:
            await leads.change_stage_late(session, row, move.to_stage, move.at, by="rule")
        else:
            leads.change_stage(session, row, move.to_stage, move.at, by="rule")
        newest = max(newest, move.at)
    await session.flush()


def _run(what: Coroutine[Any, Any, None]) -> None:
    asyncio.run(what)


async def _counted(
    session: AsyncSession,
    periods: Sequence[Period],
    by: str | None,
    only: Mapping[str, str] = MappingProxyType({}),
) -> list[dict[str, Counts]]:
    return [
        {
            value: replace(each, first_order_seconds=tuple(sorted(each.first_order_seconds)))
            for value, each in found.items()
            if each != Counts()
        }
        for found in await figures.counts(session, FUNNEL, "DKK", Scope(periods, by, only))
    ]


@EXAMPLES
@given(history=histories(), asked=st.lists(periods(), min_size=1, max_size=3))
def test_the_figures_of_each_period_are_those_of_the_history_by_every_dimension(
    database_url: str, history: History, asked: list[Period]
) -> None:
    """Whether it is asked for alone or among others, which may lie on top of each other."""

    async def check() -> None:
        async with _told(database_url, history) as session:
            for by in BY:
                wanted = [oracle.counts(history, period, by) for period in asked]
                assert await _counted(session, asked, by) == wanted
                other = await figures.other_revenue(session, "DKK", Scope(asked, by))
                assert other == [oracle.other_revenue(history, period, by) for period in asked]

    _run(check())


@EXAMPLES
@given(
    history=histories(),
    asked=st.lists(periods(), min_size=1, max_size=3),
    only=st.fixed_dictionaries(
        {},
        optional={
            "persona": st.sampled_from(["pro", ""]),
            "source": st.just("site"),
            "flow": st.sampled_from(["welcome", ""]),
            "owner": st.sampled_from(["Bo", ""]),
        },
    ),
)
def test_filters_leave_those_that_belong_to_all_of_them(
    database_url: str, history: History, asked: list[Period], only: dict[str, str]
) -> None:
    async def check() -> None:
        async with _told(database_url, history) as session:
            for by in (None, "flow"):
                found = await _counted(session, asked, by, only)
                assert found == [
                    oracle.counts(history, period, by, _chosen(history, period, only))
                    for period in asked
                ]

    _run(check())


def _chosen(history: History, period: Period, only: Mapping[str, str]) -> list[LeadRow]:
    def belongs(lead: LeadRow) -> bool:
        return all(oracle.value_of(history, lead, by, period.end) == only[by] for by in only)

    return [lead for lead in history.of(LeadRow) if belongs(lead)]


@EXAMPLES
@given(history=histories(), cut=periods())
def test_periods_that_follow_each_other_add_up_to_ever(
    database_url: str, history: History, cut: Period
) -> None:
    ends = [START, cut.start, cut.end, START + 2 * WHOLE]

    async def check() -> None:
        async with _told(database_url, history) as session:
            asked = [*(Period("", *pair) for pair in pairwise(ends)), EVER]
            counted = await figures.counts(session, FUNNEL, "DKK", Scope(asked))
            *parts, ever = [found[""] for found in counted]
        for name in ("visits", *FUNNEL.marks, "revenue"):
            assert sum(getattr(part, name) for part in parts) == getattr(ever, name)
        orders = [seconds for part in parts for seconds in part.first_order_seconds]
        assert sorted(orders) == sorted(ever.first_order_seconds)

    _run(check())


@EXAMPLES
@given(history=histories(), period=periods(), other=periods())
def test_sales_side_is_that_of_the_history_by_every_dimension(
    database_url: str, history: History, period: Period, other: Period
) -> None:
    def told(found: Mapping[str, list[Given]]) -> dict[str, list[str]]:
        return {value: sorted(map(str, each)) for value, each in found.items()}

    async def check() -> None:
        async with _told(database_url, history) as session:
            for by in BY:
                found = await agreement.given(session, Scope([period, other], by))
                assert [told(each) for each in found] == [
                    told(oracle.given(history, asked, by)) for asked in (period, other)
                ]
            rules = await agreement.by_rule(session, Scope([period]))
            triggers = await agreement.by_trigger(session, Scope([period]))
            reasons = await agreement.rejects(session, Scope([period]))
        assert {each.name: (each.handovers, each.rejected) for each in rules} == (
            oracle.rejected_by_rule(history, period)
        )
        [all_] = list(oracle.given(history, period, None).values()) or [[]]
        assert sum(each.handovers for each in triggers) == len(all_)
        assert sum(reasons.values()) == sum(each.state is State.REJECTED for each in all_)

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
        late = Period("2026-03", START + timedelta(days=4), EVER.end)
        [whole], [later] = [
            found.values()
            for found in await figures.counts(session, FUNNEL, "DKK", Scope([EVER, late], by))
        ]
    assert (whole.mqls, whole.mqls_again) == (1, 1)
    assert (later.mqls, later.mqls_again) == (0, 1)
