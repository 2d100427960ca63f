"""News of mails: whatever the order, the same events leave the same state."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.feedback import Fate, Kind, after, by_now, graver, soft_bounces_in_a_row

STATES = ("refused", "planned", "claimed", "unknown", "accepted", "delivered", "failed", "bounced")


def _through(fate: Fate, kinds: list[Kind]) -> Fate:
    for kind in kinds:
        fate = after(fate, kind)
    return fate


@given(st.sampled_from(STATES), st.lists(st.sampled_from(list(Kind))), st.randoms())
def test_the_order_of_events_makes_no_difference_nor_does_hearing_them_twice(
    state: str, kinds: list[Kind], chance: random.Random
) -> None:
    shuffled = [*kinds, *kinds]
    chance.shuffle(shuffled)
    assert _through(Fate(state), kinds) == _through(Fate(state), shuffled)


def test_a_delivery_resolves_what_nobody_knew() -> None:
    assert after(Fate("unknown"), Kind.DELIVERED) == Fate("delivered")
    assert after(Fate("unknown"), Kind.HARD_BOUNCE) == Fate("bounced", "hard")


def test_a_late_delivery_takes_no_bounce_and_no_complaint_back() -> None:
    assert _through(Fate("accepted"), [Kind.HARD_BOUNCE, Kind.DELIVERED]).state == "bounced"
    assert _through(Fate("accepted"), [Kind.COMPLAINED, Kind.DELIVERED]).state == "complained"


def test_news_of_a_mail_that_was_taken_for_refused_tell_that_it_went_out() -> None:
    assert after(Fate("refused"), Kind.DELIVERED) == Fate("delivered")
    assert after(Fate("refused"), Kind.COMPLAINED) == Fate("complained")


SOFT, ARRIVED, NO_NEWS = Fate("bounced", "soft"), Fate("delivered"), Fate("accepted")


def test_soft_bounces_count_until_a_mail_arrives_and_silence_says_nothing() -> None:
    assert soft_bounces_in_a_row([SOFT, NO_NEWS, SOFT, ARRIVED, SOFT]) == 2
    assert soft_bounces_in_a_row([ARRIVED, SOFT]) == 0


@given(st.permutations(["hard_bounce", "complaint", "hard_bounce"]))
def test_a_complaint_is_graver_than_a_bounce_whichever_comes_first(reasons: list[str]) -> None:
    known: str | None = None
    for reason in reasons:
        known = graver(known, reason)
    assert known == "complaint"
    assert graver("erased", "complaint") == "erased"


@pytest.mark.parametrize(
    ("fate", "read", "reported", "arrived"),
    [
        (NO_NEWS, False, False, False),
        (NO_NEWS, True, False, True),
        (NO_NEWS, False, True, True),
        (SOFT, False, True, False),
        (SOFT, True, False, True),
        (Fate("unknown"), False, True, False),
        (Fate("failed"), False, True, False),
    ],
)
def test_a_mail_that_somebody_read_or_of_which_no_failure_was_told_in_time_has_arrived(
    fate: Fate, read: bool, reported: bool, arrived: bool
) -> None:
    assert (by_now(fate, read, reported) == ARRIVED) is arrived
