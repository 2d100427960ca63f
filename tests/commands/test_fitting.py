"""What tells buyers from others."""

import pytest

from commands.backtest.fitting import weights


def test_the_rule_that_tells_weighs_and_what_says_nothing_does_not() -> None:
    rows = [{"buyer": 1, "noise": n // 20} for n in range(40)]
    rows += [{"noise": n // 20} for n in range(40)]
    won = [n % 10 > 0 for n in range(40)] + [n % 10 == 0 for n in range(40)]
    found = weights(rows, won, most=5)
    assert abs(found.get("noise", 0)) < 0.1
    assert 2 < found["buyer"] < 5, "the log-odds of 9 in 10 against 1 in 10, pulled in a little"


def test_a_rule_that_tells_all_apart_keeps_a_finite_weight() -> None:
    found = weights([{"all": 1}] * 50 + [{}] * 50, [True] * 50 + [False] * 50, most=5)
    assert 3 < found["all"] < 20


def test_no_more_rules_are_kept_than_asked_for() -> None:
    rows = [{f"rule-{i}": 1} for i in range(4) for _ in range(30)]
    won = [(i + n) % 4 > i for i in range(4) for n in range(30)]
    assert len(weights(rows, won, most=1)) == 1


@pytest.mark.parametrize(
    ("rows", "won"),
    [
        ([{}] * 20, [True, False] * 10),
        ([{"rule": 1}, {}] * 10, [True] * 2 + [False] * 18),
        ([{"rule": 1}] * 20, [True, False] * 10),
    ],
)
def test_leads_that_say_too_little_give_no_weights(
    rows: list[dict[str, int]], won: list[bool]
) -> None:
    assert weights(rows, won, most=5) == {}
