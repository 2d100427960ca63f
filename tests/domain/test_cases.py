"""Support cases: whatever order the news arrives in, the same products have an open one."""

import random
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain import cases
from tests.support.domain import NOW

News = tuple[str, str, int, bool]

NEWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["", "1", "2"]),
        st.integers(0, 4),
        st.booleans(),
    ),
    max_size=8,
)


def _told(news: list[News]) -> cases.Told:
    told: cases.Told = {}
    for product, case, hour, closed in news:
        told = cases.tell(told, product, case, NOW + timedelta(hours=hour), closed)
    return told


@given(NEWS, st.integers(0, 1000))
def test_the_order_of_arrival_does_not_matter(news: list[News], seed: int) -> None:
    shuffled = random.Random(seed).sample(news, len(news))
    half = len(news) // 2
    halves = cases.joined(_told(shuffled[:half]), _told(shuffled[half:]))
    expected = cases.open_products(_told(news))
    assert cases.open_products(_told(shuffled)) == expected
    assert cases.open_products(halves) == expected


@given(NEWS)
def test_closing_all_of_a_product_leaves_none_open(news: list[News]) -> None:
    told = _told([*news, ("a", "", 5, True), ("b", "", 5, True)])
    assert cases.open_products(told) == []


def test_one_known_from_before_stays_open_until_it_is_told_of() -> None:
    assert cases.open_products({}, ["a"]) == ["a"]
    assert cases.open_products(_told([("a", "", 0, True)]), ["a"]) == []


def test_a_product_is_the_same_with_capitals_and_without() -> None:
    opened = _told([("Courses", "1", 0, False)])
    assert cases.open_products(opened) == ["courses"]
    assert cases.open_products(cases.tell(opened, "COURSES", "1", NOW, True)) == []
    assert cases.open_products({}, ["Courses", "courses"]) == ["courses"]


def test_news_that_was_stored_with_capitals_is_closed_like_any_other() -> None:
    before = {"Courses": {"": (NOW.isoformat(), False)}}
    assert cases.open_products(before, ["Courses"]) == ["courses"]
    after = cases.tell(before, "courses", "", NOW + timedelta(hours=1), True)
    assert cases.open_products(after, ["Courses"]) == []
