from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.backtest import Case, auc, cuts, delivering, drop_one, held_out, thinned
from nurture.domain.scoring import EngagementRule, Reason, Scoring, entries, explain
from tests.support.domain import NOW, facts, touch

LEADS = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=40)


def pairwise_auc(leads: list[tuple[int, bool]]) -> Fraction | None:
    """By definition: over all pairs of a buyer and a non-buyer."""
    pairs = [(a, b) for a, bought in leads if bought for b, other in leads if not other]
    points = sum(Fraction(1) if a > b else Fraction(a == b, 2) for a, b in pairs)
    return points / len(pairs) if pairs else None


def cases(*leads: tuple[bool, dict[str, int]]) -> list[Case]:
    return [Case(points, won) for won, points in leads]


def rules(*names: str, group: str | None = None, most: int = 0) -> Scoring:
    engagement = tuple(EngagementRule(name, 10, name, group=group) for name in names)
    return Scoring(engagement=engagement, groups={group: most} if group else {})


@given(LEADS)
def test_auc_is_the_share_of_pairs_in_the_right_order(leads: list[tuple[int, bool]]) -> None:
    expected = pairwise_auc(leads)
    found = auc([score for score, _ in leads], [won for _, won in leads])
    assert found == (None if expected is None else float(expected))


@given(LEADS)
def test_turning_every_score_round_turns_auc_round(leads: list[tuple[int, bool]]) -> None:
    won = [bought for _, bought in leads]
    found = auc([score for score, _ in leads], won)
    turned = auc([-score for score, _ in leads], won)
    assert (found is None) == (turned is None)
    assert found is None or turned == pytest.approx(1 - found)


def test_equal_scores_are_a_coin_toss() -> None:
    assert auc([7, 7, 7, 7], [True, False, True, False]) == 0.5


def test_without_buyers_there_is_nothing_to_tell_apart() -> None:
    assert auc([1, 2], [False, False]) is None
    assert auc([1, 2], [True, True]) is None
    assert auc([], []) is None


@given(LEADS.filter(lambda leads: any(won for _, won in leads)))
def test_a_cut_counts_who_has_at_least_so_many_points(leads: list[tuple[int, bool]]) -> None:
    buyers = sum(won for _, won in leads)
    found = cuts([score for score, _ in leads], [won for _, won in leads])
    assert [cut.threshold for cut in found] == sorted({s for s, _ in leads}, reverse=True)
    for cut in found:
        picked = [won for score, won in leads if score >= cut.threshold]
        assert (cut.picked, cut.won) == (len(picked), sum(picked))
        assert cut.precision == sum(picked) / len(picked)
        assert cut.recall == sum(picked) / buyers
        assert cut.lift == pytest.approx(cut.precision / (buyers / len(leads)))


def test_the_threshold_that_delivers_enough_is_the_highest_such() -> None:
    found = cuts([50, 40, 40, 10], [True, True, False, False])
    assert [delivering(found, n).threshold for n in (1, 2, 3, 4)] == [50, 40, 40, 10]  # type: ignore[union-attr]
    assert delivering(found, 5) is None


@given(LEADS.filter(lambda leads: any(won for _, won in leads)), st.integers(1, 6))
def test_a_short_table_keeps_the_order_and_the_last_line(
    leads: list[tuple[int, bool]], most: int
) -> None:
    found = cuts([score for score, _ in leads], [won for _, won in leads])
    short = thinned(found, most)
    assert len(short) <= most
    assert short == [cut for cut in found if cut in short]
    assert short[-1] == found[-1]


def test_a_rule_that_points_the_wrong_way_is_told_apart_from_one_that_helps() -> None:
    past = cases(
        (True, {"asked": 10}),
        (True, {"asked": 10}),
        (False, {"free-mail": 15}),
        (False, {"idle": 0}),
    )
    asked, idle, free = drop_one(past, rules("free-mail", "asked", "idle"))
    assert (asked.rule, asked.leads, asked.won) == ("asked", 2, 2)
    assert asked.gain > 0
    assert (idle.rule, idle.leads, idle.gain) == ("idle", 0, 0)
    assert free.rule == "free-mail"
    assert free.gain == pytest.approx(0.5 - 1.0)


def test_a_rule_that_others_of_its_group_make_up_for_does_not_help() -> None:
    past = cases(
        (True, {"page": 10, "clicked": 10, "cap/web": -10}),
        (True, {"page": 10, "clicked": 10, "cap/web": -10}),
        (False, {}),
        (False, {"clicked": 10}),
    )
    page, clicked = drop_one(past, rules("page", "clicked", group="web", most=10))
    assert (page.rule, page.gain) == ("page", 0.0)
    assert (clicked.rule, clicked.gain) == ("clicked", pytest.approx(0.75 - 1.0))


RULES = [
    EngagementRule("page", 7, "page", group="web"),
    EngagementRule("clicked", 4, "clicked", cap=8, group="web"),
    EngagementRule("unsubscribed", -9, "unsubscribed", group="web"),
    EngagementRule("demo", 5, "demo", group="talk"),
    EngagementRule("called", 6, "called"),
]
DID = st.lists(st.sampled_from([rule.touch for rule in RULES]), max_size=8)


@given(st.lists(DID, min_size=2, max_size=6), st.integers(1, 15))
def test_what_a_rule_is_worth_is_what_the_leads_score_without_it(
    dids: list[list[str]], most: int
) -> None:
    def judged(scoring: Scoring) -> list[Case]:
        return [
            Case({each.rule: each.points for each in reasons(scoring, did)}, index == 0)
            for index, did in enumerate(dids)
        ]

    def area(found: list[Case]) -> float:
        return auc([case.total for case in found], [case.won for case in found]) or 0.0

    whole = Scoring(engagement=tuple(RULES), groups={"web": most})
    for verdict in drop_one(judged(whole), whole):
        left = tuple(rule for rule in RULES if rule.id != verdict.rule)
        without = area(judged(replace(whole, engagement=left)))
        assert verdict.gain == pytest.approx(area(judged(whole)) - without)


def reasons(scoring: Scoring, did: list[str]) -> list[Reason]:
    touches = map(touch, did)
    earned = [entry for each in touches for entry in entries(scoring, each)]
    return explain(scoring, facts(), earned, NOW)


def test_a_lead_stays_in_its_part_however_long_the_list() -> None:
    names = [f"lead-{number}" for number in range(2000)]
    parts = {name: held_out(name, 0.3, seed=1) for name in names}
    assert 0.26 < sum(parts.values()) / len(parts) < 0.34
    assert parts == {name: held_out(name, 0.3, seed=1) for name in reversed(names)}
    assert parts != {name: held_out(name, 0.3, seed=2) for name in names}
    assert not any(held_out(name, 0, seed=1) for name in names)
    assert all(held_out(name, 1, seed=1) for name in names)
