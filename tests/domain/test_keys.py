"""Keys are for ever: what was sent under one must be found under the same one by every later version."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain import keys, topics

BROWSERS = "ajs-next-1795404654220-c0f1de2a-7b1e-4a55-9d53-2d3e86a1b0c4"


@pytest.mark.parametrize(
    ("key", "golden"),
    [
        (keys.touch_id("site", "m-1"), "decc03fc-f820-528b-8ba3-38215aeb4ac6"),
        (keys.touch_id("site", BROWSERS), "1795404654220-6863cd920461d0e2969d24"),
        (keys.enrolment_id("lead-1", "welcome", 1), "4905d061-655b-56a7-865c-89900f5b2548"),
        (keys.message_id("enrolment-1", "hello"), "8e62c51d-a35e-5572-a232-5bd6b47f2236"),
        (keys.handover_id("lead-1", 1), "15949fee-f42e-562c-ab94-cc673b1cd38c"),
        (keys.notice_id("handover-1", "1"), "msg_ef788897811a5dc28971fc4d39a3fa72"),
        (keys.enrolment_workflow("e-1"), "enrolment/e-1"),
        (keys.handover_workflow("h-1"), "handover/h-1"),
        (keys.audience_workflow("hot"), "audience/hot"),
        (topics.touch("clicked"), "touch:clicked"),
    ],
)
def test_keys_are_what_they_always_were(key: str, golden: str) -> None:
    assert key == golden


parts = st.text("ab/1-", max_size=4)
KINDS: list[Callable[[str, str], str]] = [
    keys.touch_id,
    keys.message_id,
    keys.notice_id,
    lambda one, two: keys.enrolment_id(one, two, 1),
    lambda one, two: keys.enrolment_id(one, two, 11),
    lambda one, two: keys.handover_id(one + "\x1e" + two, 1),
]


@given(st.sets(st.tuples(st.integers(0, len(KINDS) - 1), parts, parts), max_size=50))
def test_two_things_never_share_a_key(things: set[tuple[int, str, str]]) -> None:
    assert len({KINDS[kind](one, two) for kind, one, two in things}) == len(things)


def test_every_run_and_every_handover_of_a_lead_has_its_own_key() -> None:
    assert len({keys.enrolment_id("lead-1", "welcome", run) for run in range(1, 20)}) == 19
    assert len({keys.handover_id("lead-1", number) for number in range(1, 20)}) == 19


MADE_AT = st.integers(10**12, 2 * 10**12 - 1)


@given(st.lists(st.tuples(MADE_AT, parts), unique_by=lambda each: each[0], max_size=20))
def test_messages_whose_ids_say_when_they_were_made_stand_in_that_order(
    told: list[tuple[int, str]],
) -> None:
    named = [(at, keys.touch_id("site", f"node-next-{at}-{name}")) for at, name in told]
    assert [key for _, key in sorted(named)] == sorted(key for _, key in named)


@given(MADE_AT, st.sets(st.tuples(st.sampled_from(["site", "shop"]), parts), max_size=20))
def test_messages_made_at_one_time_never_share_a_key(at: int, things: set[tuple[str, str]]) -> None:
    assert len({keys.touch_id(source, f"{at}-{name}") for source, name in things}) == len(things)
