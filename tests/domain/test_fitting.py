from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.fitting import logistic, telling, whole_points

LEADS = st.lists(
    st.tuples(st.frozensets(st.integers(0, 3)), st.booleans()), min_size=2, max_size=30
).filter(lambda leads: len({won for _, won in leads}) == 2)


def test_without_features_the_intercept_is_the_odds() -> None:
    intercept, _ = logistic([{}] * 4, [True, False, False, False], features=0)
    assert intercept == pytest.approx(log(1 / 3), abs=1e-6)


@given(LEADS, st.sampled_from((0.1, 1.0, 10.0)))
def test_at_the_weights_found_no_direction_is_better(
    leads: list[tuple[frozenset[int], bool]], ridge: float
) -> None:
    """The slope of the penalised likelihood, written out anew, is flat there."""
    intercept, weights = logistic(
        [dict.fromkeys(has, 1.0) for has, _ in leads], [won for _, won in leads], 4, ridge
    )
    slopes = [ridge * weight for weight in weights]
    free = 0.0
    for has, won in leads:
        miss = 1 / (1 + exp(-intercept - sum(weights[i] for i in has))) - won
        free += miss
        for i in has:
            slopes[i] += miss
    assert [*slopes, free] == pytest.approx([0] * 5, abs=1e-4)


def test_a_feature_that_tells_all_apart_keeps_a_finite_weight() -> None:
    rows = [{0: 1.0}] * 50 + [{}] * 50
    _, [weight] = logistic(rows, [True] * 50 + [False] * 50, 1)
    assert 3 < weight < 20


def test_points_keep_the_proportions_of_the_weights() -> None:
    assert whole_points([2.0, -1.0, 0.02, 0.5], largest=40) == [40, -20, 0, 10]
    assert whole_points([0.0], largest=40) == [0]
    assert whole_points([], largest=40) == []


def test_the_telling_feature_comes_first_and_what_repeats_it_never() -> None:
    buyer, other = {0: 1.0, 1: 1.0}, {2: 1.0}
    rows = [buyer] * 30 + [other] * 30 + [{}] * 20
    won = [True] * 30 + [False] * 30 + [True, False] * 10
    chosen = telling(rows, won, features=4, most=4)
    assert chosen[0] in (0, 1)
    assert not {0, 1} <= set(chosen)
    assert 3 not in chosen


def test_no_more_features_are_chosen_than_asked_for() -> None:
    rows = [{i: 1.0} for i in range(4) for _ in range(30)]
    won = [i in (0, 1) for i in range(4) for _ in range(30)]
    assert len(telling(rows, won, features=4, most=1)) == 1


def test_features_that_say_nothing_are_not_chosen() -> None:
    assert telling([{0: 1.0}, {}] * 20, [True, True, False, False] * 10, 1, most=5) == []
    assert telling([{}, {}], [True, False], features=0, most=5) == []
