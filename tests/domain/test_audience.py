"""Who belongs on an ad platform's list."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.audience import Audience, Change, Membership, belongs, changes
from tests.support.domain import ALWAYS_TRUE, DAY, NEVER_TRUE, NOW, facts, lead

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
    ids=["erased", "no address", "no consent"],
)
def test_without_consent_or_address_nobody_is_on_a_list(against: dict[str, Any]) -> None:
    assert not belongs(BY_RULE, facts(**against), Membership("lead-1", by_step=True), NOW)


def test_a_lead_leaves_when_its_longest_stay_is_over() -> None:
    member = Membership("lead-1", by_step=True, since=NOW)
    assert belongs(LIST, facts(), member, NOW + 29 * DAY)
    assert not belongs(LIST, facts(), member, NOW + 30 * DAY)


ids = st.lists(st.text("abc", min_size=1, max_size=2), max_size=9)


@given(ids, ids)
def test_the_changes_bring_the_list_to_what_it_should_be(
    desired: list[str], confirmed: list[str]
) -> None:
    members = set(confirmed)
    plan = changes(desired, confirmed)
    for change in plan:
        assert (change.lead_id in members) != change.add
        members ^= {change.lead_id}
    assert members == set(desired)
    assert [change.add for change in plan] == sorted(change.add for change in plan)


def test_removals_go_first() -> None:
    assert changes(["new"], ["old"]) == [Change("old", add=False), Change("new", add=True)]
