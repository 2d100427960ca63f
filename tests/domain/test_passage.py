from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.passage import passages

LINE = [("start", "a"), ("a", "b"), ("b", "end")]
FORK = [("start", "a"), ("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "end")]


def test_in_a_line_whoever_is_not_here_has_passed() -> None:
    found = passages(LINE, "start", 10, {"a": 3, "b": 1}, {("b", "end"): 6}, {})
    assert found == {"start": 10, "a": 7, "b": 6, "end": None}


def test_what_mails_went_out_tells_which_way_leads_took() -> None:
    found = passages(FORK, "start", 10, {"a": 1, "b": 1}, {("d", "end"): 8}, {"b": 4})
    assert found["a"] == 9
    assert found["b"] == 4
    assert found["c"] == 4
    assert found["d"] == 8


def test_a_way_that_cannot_be_told_stays_open() -> None:
    found = passages(FORK, "start", 10, {}, {("d", "end"): 10}, {})
    assert (found["a"], found["b"], found["c"], found["d"]) == (10, None, None, 10)


def test_where_nobody_came_nobody_passed() -> None:
    found = passages(FORK, "start", 3, {"a": 3}, {("d", "end"): 0}, {})
    assert (found["a"], found["b"], found["c"], found["d"]) == (0, 0, 0, 0)


def test_counts_that_contradict_each_other_tell_nothing_wrong() -> None:
    found = passages(LINE, "start", 1, {"a": 5}, {("b", "end"): 0}, {})
    assert found["a"] == 0


@given(st.lists(st.integers(0, 20), min_size=4, max_size=4), st.integers(0, 20))
def test_what_is_told_is_what_happened(stays: list[int], right: int) -> None:
    a, b, c, d = *stays[:3], min(stays[3], 5)
    left = 5 + b
    through = {"b": 5, "c": right, "d": 5 + right - d}
    total = a + left + c + right
    here = {"a": a, "b": b, "c": c, "d": d}
    done = through["d"]
    found = passages(FORK, "start", total, here, {("d", "end"): done}, {"b": through["b"]})
    assert found["a"] == total - a
    assert found["c"] == through["c"]
    assert found["d"] == through["d"]
