"""Who belongs on an ad platform's list."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.audience import (
    Audience,
    Membership,
    Progress,
    asked,
    asked_next,
    belongs,
    together,
    undone,
)
from tests.support.domain import ALWAYS_TRUE, DAY, HOUR, NEVER_TRUE, NOW, facts, lead

LIST = Audience("hot", "Hot", "meta", "123", max_stay=30 * DAY)
BY_RULE = Audience("hot", "Hot", "meta", "123", when=ALWAYS_TRUE)


@pytest.mark.parametrize(
    ("audience", "by_step", "expected"),
    [
        (LIST, None, False),
        (LIST, True, True),
        (LIST, False, False),
        (BY_RULE, None, True),
        (BY_RULE, False, False),
        (Audience("a", "A", "meta", "1", when=NEVER_TRUE), True, True),
        (Audience("a", "A", "meta", "1", when=NEVER_TRUE), None, False),
    ],
)
def test_what_a_flow_asked_for_goes_before_the_rule(
    audience: Audience, by_step: bool | None, expected: bool
) -> None:
    assert belongs(audience, facts(), Membership("lead-1", by_step), NOW) == expected


@pytest.mark.parametrize(
    "against",
    [
        {"who": lead(erased=True)},
        {"who": lead(email=None)},
        {"consents": frozenset({"email_marketing"})},
    ],
    ids=["erased", "no address, no phone", "no consent"],
)
def test_without_consent_or_without_address_and_phone_nobody_is_on_a_list(
    against: dict[str, Any],
) -> None:
    assert not belongs(BY_RULE, facts(**against), Membership("lead-1", by_step=True), NOW)


def test_a_phone_is_enough_to_be_on_a_list() -> None:
    who = facts(who=lead(email=None, traits={"phone": "+4520123456"}))
    assert belongs(BY_RULE, who, Membership("lead-1"), NOW)


def test_a_lead_leaves_when_its_longest_stay_is_over() -> None:
    member = Membership("lead-1", by_step=True, since=NOW)
    assert belongs(LIST, facts(), member, NOW + 29 * DAY)
    assert not belongs(LIST, facts(), member, NOW + 30 * DAY)


@pytest.mark.parametrize(
    ("add", "there", "begins_anew"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_a_step_that_puts_a_lead_back_on_a_list_begins_a_new_stay(
    add: bool, there: bool, begins_anew: bool
) -> None:
    found = asked(Membership("lead-1", since=NOW), add, there)
    assert found == Membership("lead-1", by_step=add, since=None if begins_anew else NOW)


def test_a_platform_is_asked_with_growing_gaps_and_once_more_when_its_day_is_over() -> None:
    at, gaps = NOW, []
    while at < NOW + DAY:
        following = asked_next(NOW, at)
        gaps.append((following - at) / HOUR)
        at = following
    assert gaps == [0.25, 0.25, 0.5, 1, 2, 4, 6, 6, 4]


@pytest.mark.parametrize(
    ("progress", "adds", "later", "why"),
    [
        (Progress(), False, DAY - HOUR, ""),
        (Progress(), False, DAY, "unconfirmed"),
        (Progress(), True, DAY, "unconfirmed"),
        (Progress(done=True), False, DAY, ""),
        (Progress(error="failed"), False, HOUR, "failed"),
        (Progress(error="failed"), True, HOUR, "failed"),
        (Progress(done=True, error="in part"), False, HOUR, "in part"),
        (Progress(done=True, error="in part"), True, HOUR, ""),
    ],
)
def test_what_a_platform_took_in_is_done_again_when_it_failed_or_nobody_hears_of_it(
    progress: Progress, adds: bool, later: timedelta, why: str
) -> None:
    assert undone(progress, adds, NOW, NOW + later) == why


@given(
    most=st.integers(1, 10_000),
    people=st.integers(1, 300),
    bad=st.sets(st.integers(0, 299)),
)
def test_whoever_can_be_taken_off_is_off_after_a_few_rounds_whoever_else_cannot(
    most: int, people: int, bad: set[int]
) -> None:
    left, attempts = list(range(people)), 0
    while together(most, attempts) > 1:
        left, attempts = _left_over(left, bad, together(most, attempts)), attempts + 1
    assert set(_left_over(left, bad, 1)) == bad & set(range(people))
    assert attempts <= 7


def _left_over(people: list[int], bad: set[int], size: int) -> list[int]:
    """Who is sent again: everybody of a request that was not made for all."""
    requests = (people[start : start + size] for start in range(0, len(people), size))
    return [one for request in requests if bad & set(request) for one in request]


def test_a_removal_that_fails_goes_in_quarters_until_everybody_goes_alone() -> None:
    assert [together(10_000, n) for n in range(9)] == [10_000, 2_500, 625, 156, 39, 9, 2, 1, 1]
    assert together(10_000, 10**4) == 1
