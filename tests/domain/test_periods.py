"""Months on the company's clock, and the stages that figures are counted for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain import periods
from nurture.domain.errors import InputError
from nurture.domain.funnel import funnel
from nurture.domain.lifecycle import Lifecycle, Stage
from tests.support.domain import AUCKLAND, COPENHAGEN, DAY, HOUR, NOW


def test_a_month_begins_at_the_companys_midnight() -> None:
    march = periods.month("2026-03", COPENHAGEN)
    assert march.start == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert march.end == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert march.end - march.start == 31 * DAY - HOUR
    assert periods.month_of(march.start - timedelta(seconds=1), COPENHAGEN).name == "2026-02"


@pytest.mark.parametrize("name", ["2026-13", "2026-3", "26-03", "March", "", "2026-03-01"])
def test_what_is_no_month_is_refused_with_how_to_write_one(name: str) -> None:
    with pytest.raises(InputError, match="write it as 2026-11"):
        periods.month(name, UTC)


@given(st.datetimes(datetime(2005, 1, 1), datetime(2099, 1, 1)), st.integers(1, 40))
def test_months_follow_each_other_without_gap_or_overlap(at: datetime, number: int) -> None:
    last = periods.month_of(at.replace(tzinfo=UTC), AUCKLAND)
    found = periods.months_until(last, number, AUCKLAND)
    assert found[-1].start <= at.replace(tzinfo=UTC) < found[-1].end
    assert [each.end for each in found[:-1]] == [each.start for each in found[1:]]


def test_a_sliding_period_ends_now() -> None:
    found = periods.sliding(NOW, 30 * DAY)
    assert (found.start, found.end, found.monthly) == (NOW - 30 * DAY, NOW, False)


def test_the_figures_know_the_stages_by_what_they_mean_not_by_their_place() -> None:
    names = ("visitor", "subscriber", "lead", "mql", "sql", "trial", "customer")
    found = funnel(Lifecycle(tuple(Stage(name, name) for name in names)), None, "sql", "customer")
    assert found.marks == {"visitors": 0, "leads": 1, "mqls": 3, "sqls": 4, "customers": 6}
    assert found.at_least("sqls") == ["sql", "trial", "customer"]
