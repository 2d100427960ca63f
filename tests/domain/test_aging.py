"""The moment at which time alone changes an answer."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain import aging, topics
from tests.support.domain import DAY, NOW, When, facts

A_BIT = timedelta(seconds=1)


def _from(moment: timedelta) -> When:
    return When(lambda f, now: now - NOW >= moment, frozenset({topics.CLOCK}))


@given(st.timedeltas(min_value=A_BIT, max_value=32 * DAY))
def test_it_is_found_to_the_second_and_never_too_early(moment: timedelta) -> None:
    found = aging.next_change([_from(moment)], facts(), NOW, DAY)
    assert found is not None
    assert NOW + moment <= found <= NOW + moment + A_BIT


def test_what_changes_later_is_looked_at_again_after_a_month() -> None:
    assert aging.next_change([_from(90 * DAY)], facts(), NOW, DAY) == NOW + 32 * DAY
    assert aging.next_change([_from(-DAY)], facts(), NOW, DAY) == NOW + 32 * DAY


def test_the_first_of_several_counts() -> None:
    found = aging.next_change([_from(9 * DAY), _from(3 * DAY)], facts(), NOW, DAY)
    assert found is not None
    assert found - NOW < 4 * DAY


def test_what_does_not_ask_for_the_time_is_never_looked_at_for_it() -> None:
    still = When(lambda f, now: True, frozenset({topics.SCORE}))
    assert aging.ages([still]) == ()
    assert aging.next_change([], facts(), NOW, DAY) is None


def test_a_shorter_day_is_looked_at_as_closely() -> None:
    day = timedelta(seconds=20)
    found = aging.next_change([_from(day * 3)], facts(), NOW, day)
    assert found is not None
    assert NOW + day * 3 <= found <= NOW + day * 3 + day / 1_000
