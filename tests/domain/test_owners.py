"""Whose turn it is."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.owners import Absence, Assignment, Load, Owner, choose
from tests.support.domain import DAY, HOUR, NEVER_TRUE, NOW, facts, lead, touch, when

TEAM = (Owner("Anna"), Owner("Bo"), Owner("Carla"))
ANYBODY = facts()


def take_turns(team: tuple[Owner, ...], times: int) -> list[str]:
    given: Counter[str] = Counter()
    turns = []
    for _ in range(times):
        loads = {name: Load(count) for name, count in given.items()}
        turns.append(choose(team, (), loads, ANYBODY, NOW))
        given[turns[-1]] += 1
    return turns


def test_equal_owners_take_turns_in_the_teams_order() -> None:
    assert take_turns(TEAM, 5) == ["Anna", "Bo", "Carla", "Anna", "Bo"]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 60))
def test_everyone_gets_at_least_its_share_by_weight(weights: list[int], times: int) -> None:
    team = tuple(Owner(f"owner-{n}", weight) for n, weight in enumerate(weights))
    turns = Counter(take_turns(team, times))
    for owner in team:
        assert turns[owner.id] >= times * owner.weight // sum(weights)


def test_who_is_away_gets_nothing_until_back() -> None:
    team = (Owner("Anna", absent=(Absence(NOW - DAY, NOW + DAY),)), Owner("Bo"))
    loads = {"Bo": Load(given=9)}
    assert choose(team, (), loads, ANYBODY, NOW) == "Bo"
    assert choose(team, (), loads, ANYBODY, NOW + DAY) == "Anna"


def test_who_has_the_hands_full_is_passed_over() -> None:
    team = (Owner("Anna", capacity=2), Owner("Bo"))
    assert choose(team, (), {"Anna": Load(0, 2), "Bo": Load(9, 9)}, ANYBODY, NOW) == "Bo"
    assert choose(team, (), {"Anna": Load(0, 1), "Bo": Load(9, 9)}, ANYBODY, NOW) == "Anna"


def test_the_first_assignment_that_holds_decides() -> None:
    danish = when(lambda facts: facts.lead.traits.get("country") == "DK")
    rules = (
        Assignment(("Anna",), NEVER_TRUE),
        Assignment(("Bo",), danish),
        Assignment(("Carla",)),
    )
    dane = facts(who=lead(traits={"country": "DK"}))
    assert choose(TEAM, rules, {}, dane, NOW) == "Bo"
    assert choose(TEAM, rules, {}, ANYBODY, NOW) == "Carla"


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Assignment(("Bo",), personas=frozenset({"pro", "boss"})), True),
        (Assignment(("Bo",), personas=frozenset({"student"})), False),
        (Assignment(("Bo",), countries=frozenset({"SE", "dk"})), True),
        (Assignment(("Bo",), countries=frozenset({"SE"})), False),
        (Assignment(("Bo",), products=frozenset({"backup"})), True),
        (Assignment(("Bo",), products=frozenset({"archive"})), False),
        (Assignment(("Bo",), NEVER_TRUE, countries=frozenset({"DK"})), False),
        (Assignment(("Bo",), None, frozenset({"pro"}), frozenset({"SE"})), False),
    ],
)
def test_persona_country_and_product_decide_together(rule: Assignment, fits: bool) -> None:
    pro = lead(persona="pro", traits={"country": "DK"})
    looked = (
        touch("page", NOW, path="/"),
        touch("page", NOW - HOUR, machine="scanner", product="archive"),
        touch("demo_requested", NOW - DAY, product="Backup"),
        touch("page", NOW - 2 * DAY, product="archive"),
    )
    chosen = choose(TEAM, (rule,), {}, facts(*looked, who=pro), NOW)
    assert chosen == ("Bo" if fits else "Anna")
    assert choose(TEAM, (rule,), {}, ANYBODY, NOW) == "Anna"


def test_an_assignment_whose_owners_are_all_busy_falls_to_the_next_and_then_to_anybody() -> None:
    team = (Owner("Anna", capacity=1), Owner("Bo", capacity=1), Owner("Carla"))
    rules = (Assignment(("Anna",)), Assignment(("Bo",)))
    assert choose(team, rules, {"Anna": Load(1, 1)}, ANYBODY, NOW) == "Bo"
    assert choose(team, rules, {"Anna": Load(1, 1), "Bo": Load(1, 1)}, ANYBODY, NOW) == "Carla"


def test_a_lead_is_never_left_without_an_owner() -> None:
    gone = (Absence(NOW, NOW + DAY),)
    full = {"Anna": Load(3, 1), "Bo": Load(2, 1)}
    busy = (Owner("Anna", capacity=1), Owner("Bo", capacity=1), Owner("Carla", absent=gone))
    assert choose(busy, (), full, ANYBODY, NOW) == "Bo"
    away = (Owner("Anna", absent=gone), Owner("Bo", absent=gone))
    assert choose(away, (), {}, ANYBODY, NOW) == "Anna"
