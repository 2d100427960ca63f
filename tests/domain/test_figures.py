"""The figures both departments look at."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.figures import Counts, Given, figures, kept, pace
from nurture.domain.sla import State
from tests.support.domain import DAY, HOUR, NOW

MONTH = NOW + 30 * DAY


def test_rates_are_each_stage_over_the_one_before() -> None:
    told = figures(
        Counts(
            visits=4000,
            visitors=3000,
            leads=150,
            mqls=60,
            sqls=20,
            customers=5,
            revenue=200_000,
            first_order_seconds=(86_400.0, 259_200.0),
        )
    )
    assert (told.visit_to_lead, told.mql_rate, told.sql_rate) == (5.0, 40.0, 33.3)
    assert (told.close_rate, told.revenue, told.revenue_per_customer) == (25.0, 200_000, 40_000)
    assert told.days_to_first_order == 2.0


def test_where_there_is_nothing_to_divide_by_there_is_no_rate() -> None:
    told = figures(Counts())
    assert (told.visit_to_lead, told.mql_rate, told.sql_rate, told.close_rate) == (None,) * 4
    assert (told.revenue, told.revenue_per_customer, told.days_to_first_order) == (0, None, None)


def test_a_day_is_what_the_playbook_calls_one() -> None:
    told = figures(Counts(first_order_seconds=(10.0, 20.0)), day=timedelta(seconds=1))
    assert told.days_to_first_order == 15.0


@pytest.mark.parametrize(
    ("so_far", "passed", "forecast", "on_pace"),
    [(17, 23.2, 22, True), (5, 15, 10, False), (0, 10, 0, False), (3, 0, 3, False)],
)
def test_the_pace_says_where_the_month_will_end(
    so_far: int, passed: float, forecast: int, on_pace: bool
) -> None:
    told = pace(so_far, 20, NOW, MONTH, NOW + passed * DAY)
    assert (told.forecast, told.on_pace) == (forecast, on_pace)


@given(st.integers(0, 999), st.timedeltas(-30 * DAY, 90 * DAY))
def test_a_forecast_is_never_below_what_is_there_and_is_it_at_the_end(
    so_far: int, passed: timedelta
) -> None:
    told = pace(so_far, 20, NOW, MONTH, NOW + passed)
    assert told.forecast >= so_far
    assert told.forecast == so_far or passed < 30 * DAY


def _given(contact: float | None, due: float = 48, **changes: Any) -> Given:
    at = None if contact is None else NOW + contact * HOUR
    return Given(NOW, NOW + due * HOUR, at, changes.pop("closed_at", None), **changes)


def test_sales_side_is_kept_broken_or_running() -> None:
    rows = [_given(48), _given(49), _given(None), _given(None, due=10)]
    told = kept(rows, NOW + 12 * HOUR)
    assert (told.kept, told.broken, told.running, told.kept_rate) == (1, 2, 1, 33.3)


def test_an_answer_without_a_contact_keeps_the_promise_too() -> None:
    told = kept([_given(None, closed_at=NOW + HOUR, state=State.REJECTED)], NOW + 90 * HOUR)
    assert (told.kept, told.rejected, told.silent, told.p50) == (1, 1, 1, None)


@pytest.mark.parametrize(
    ("state", "closed", "broken"),
    [(State.RECYCLED, 1, 0), (State.WON, 1, 0), (State.RECYCLED, 48, 1), (State.WON, 49, 1)],
)
def test_what_ended_without_sales_before_its_deadline_is_neither_kept_nor_broken(
    state: State, closed: int, broken: int
) -> None:
    ended = _given(None, closed_at=NOW + closed * HOUR, state=state)
    told = kept([ended], NOW + 90 * HOUR)
    assert (told.handovers, told.kept, told.broken, told.running) == (1, 0, broken, 0)


def test_contact_times_are_told_by_half_by_nine_tenths_and_by_how_many_took_how_long() -> None:
    told = kept([_given(hours) for hours in (1, 2, 3, 5, 9, 20, 30, 60, 100, 200)], NOW)
    assert (told.p50, told.p90) == (9.0, 100.0)
    assert told.histogram == (1, 2, 1, 2, 1, 1, 1, 1)


@given(st.lists(st.floats(0, 500), min_size=1, max_size=40))
def test_half_of_the_contacts_came_within_the_median_and_all_are_in_the_histogram(
    hours: list[float],
) -> None:
    told = kept([_given(each) for each in hours], NOW)
    assert told.p50 is not None
    within = sum(each <= told.p50 + 0.01 for each in hours)
    assert 2 * within >= len(hours)
    assert sum(told.histogram) == len(hours)


def test_hours_are_what_the_playbook_calls_hours() -> None:
    told = kept([_given(1)], NOW, day=DAY / 24)
    assert told.p50 == 24.0
