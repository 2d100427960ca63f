"""Points that halve."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.decay import lasts, next_drop, worth

WEEK = timedelta(days=7)
TICK = timedelta(microseconds=1)

points = st.integers(-1000, 1000)
ages = st.timedeltas(timedelta(), timedelta(days=400))
half_lives = st.timedeltas(timedelta(seconds=1), timedelta(days=90))


def test_points_halve_in_every_half_life_and_then_go() -> None:
    assert [worth(20, n * WEEK, WEEK) for n in range(8)] == [20, 10, 5, 3, 1, 1, 0, 0]
    assert worth(-20, WEEK, WEEK) == -10
    assert worth(20, WEEK / 2, WEEK) == 15


def test_a_clock_that_runs_ahead_makes_no_points() -> None:
    assert worth(20, -WEEK, WEEK) == 20


@given(points, ages, half_lives)
def test_each_drop_is_told_to_the_microsecond(
    given_points: int, age: timedelta, half: timedelta
) -> None:
    left, drop = worth(given_points, age, half), next_drop(given_points, age, half)
    assert (drop is None) == (left == 0)
    if drop:
        assert drop > age
        assert worth(given_points, drop - TICK, half) == left
        assert abs(worth(given_points, drop, half)) < abs(left)


@given(points.filter(bool), half_lives)
def test_nothing_is_left_from_the_told_moment_on(given_points: int, half: timedelta) -> None:
    end = lasts(given_points, half)
    assert worth(given_points, end, half) == 0
    assert abs(worth(given_points, end - TICK, half)) == 1


@given(points, ages, st.timedeltas(timedelta(), timedelta(days=90)), half_lives)
def test_points_never_grow_back(
    given_points: int, age: timedelta, later: timedelta, half: timedelta
) -> None:
    assert abs(worth(given_points, age + later, half)) <= abs(worth(given_points, age, half))
