"""What a lead agrees to, from everything it ever said."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.consent import BROWSER, LIST, PURPOSES, ConsentRecord, declined, held
from tests.support.domain import DAY, NOW

records = st.lists(
    st.builds(
        ConsentRecord,
        purpose=st.sampled_from(PURPOSES),
        granted=st.booleans(),
        at=st.integers(0, 3).map(lambda days: NOW + days * DAY),
        source=st.sampled_from(("form", f"{LIST}fair.csv", f"{BROWSER}track/site")),
    ),
    max_size=9,
)


def said(granted: bool, days: int = 0, purpose: str = "email_marketing") -> ConsentRecord:
    return ConsentRecord(purpose, granted, NOW + days * DAY, "form")


def in_list(granted: bool, days: int) -> ConsentRecord:
    return ConsentRecord("email_marketing", granted, NOW + days * DAY, f"{LIST}fair.csv")


def test_who_never_said_anything_agreed_to_nothing() -> None:
    assert held([]) == frozenset()


def test_the_latest_word_counts_for_each_purpose_on_its_own() -> None:
    history = [said(True), said(False, 2), said(True, 1), said(True, 0, "tracking")]
    assert held(history) == {"tracking"}
    assert held([*history, said(True, 3)]) == {"email_marketing", "tracking"}


def test_of_yes_and_no_at_one_moment_no_counts() -> None:
    assert held([said(False), said(True)]) == held([said(True), said(False)]) == frozenset()


def test_a_list_that_says_yes_does_not_take_back_a_no_that_no_list_said() -> None:
    history = [said(True), said(False, 1), in_list(True, 2)]
    assert (held(history), declined(history)) == (frozenset(), {"email_marketing"})
    assert held([*history, said(True, 3)]) == {"email_marketing"}


def test_a_visitors_yes_is_proof_and_lets_nothing_be_done() -> None:
    yes = ConsentRecord("tracking", True, NOW + 3 * DAY, f"{BROWSER}track/site")
    assert held([yes]) == frozenset()
    assert declined([said(False, 1, "tracking"), yes]) == {"tracking"}
    assert held([said(True, 1, "tracking"), yes]) == {"tracking"}


def test_of_what_lists_say_the_latest_counts_and_their_no_always_does() -> None:
    lists = [in_list(True, 1), in_list(False, 2), in_list(True, 3)]
    assert held(lists) == {"email_marketing"}
    assert held([said(True), *lists[:2]]) == frozenset()


@given(records, st.randoms())
def test_the_order_in_which_it_became_known_does_not_matter(
    history: list[ConsentRecord], dice: Any
) -> None:
    shuffled = list(history)
    dice.shuffle(shuffled)
    assert held(shuffled) == held(history)


@given(records)
def test_a_last_no_ends_every_consent(history: list[ConsentRecord]) -> None:
    assert not held([*history, *(said(False, 9, purpose) for purpose in PURPOSES)])
