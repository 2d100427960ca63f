"""Points, and why."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.lead import Score, Touch
from nurture.domain.scoring import (
    EngagementRule,
    Entry,
    FitRule,
    Grades,
    Scoring,
    entries,
    explain,
    living,
    next_change,
    score,
    tally,
)
from tests.support.domain import DAY, NOW, facts, lead, touch, when

IN_IT = FitRule("in-it", 20, when(lambda f: f.lead.traits.get("job") == "IT"), "Works in IT")
STUDENT = FitRule("student", -15, when(lambda f: "student" in f.lead.tags))
PAGES = EngagementRule("pages", 5, "page", cap=12, lasts=30 * DAY, title="Looked around")
PRICES = EngagementRule("prices", 10, "page", where={"path": "*/pricing*"}, lasts=10 * DAY)
SILENCE = EngagementRule("unread", -4, "bounced", cap=10)
DEMO = EngagementRule("demo", 40, "demo_requested")
VIDEO = EngagementRule("video", 24, "video_played", cap=40, half_life=7 * DAY)
SCORING = Scoring((IN_IT, STUDENT), (PAGES, PRICES, SILENCE, DEMO, VIDEO))


def earn(*touches: Touch) -> list[Entry]:
    return [entry for touch in touches for entry in entries(SCORING, touch)]


def points(*touches: Touch, after: timedelta = timedelta()) -> int:
    return score(SCORING, facts(), earn(*touches), NOW + after).engagement


def test_fit_is_what_holds_of_the_lead_now() -> None:
    both = facts(who=lead(traits={"job": "IT"}, tags=frozenset({"student"})))
    assert score(SCORING, both, [], NOW) == Score(fit=5)
    assert score(SCORING, facts(), [], NOW) == Score()


def test_each_rule_that_fits_a_touch_earns() -> None:
    assert points(touch("page", path="/EN/Pricing?plan=pro")) == 15
    assert points(touch("page", path="/about")) == 5
    assert points(touch("page")) == 5
    assert points(touch("unheard_of")) == 0


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/pricing*", "/pricing", True),
        ("/pricing*", "/en/pricing", False),
        ("/list?page=*", "/list?page=2", True),
        ("/list?page=*", "/list/page=2", False),
        ("/a[1]*", "/a[1]/b", True),
        ("/a[1]*", "/a1/b", False),
        ("true", True, True),
        ("3", 3, True),
    ],
)
def test_only_the_star_is_special_in_a_pattern(pattern: str, path: Any, fits: bool) -> None:
    rule = EngagementRule("rule", 1, "page", where={"path": pattern})
    assert bool(entries(Scoring(engagement=(rule,)), touch("page", path=path))) == fits


def test_what_a_machine_did_earns_nothing() -> None:
    assert points(touch("demo_requested", machine="scanner")) == 0


def test_a_cap_bounds_what_one_rule_can_give_or_take() -> None:
    assert points(*(touch("page") for _ in range(9))) == 12
    assert points(*(touch("bounced") for _ in range(9))) == -10


def test_points_end_at_their_expiry_and_make_room_under_the_cap() -> None:
    old, new = touch("page", NOW - 29 * DAY), touch("page", NOW)
    assert points(old, new) == 10
    assert points(old, new, after=DAY - timedelta(seconds=1)) == 10
    assert points(old, new, after=DAY) == 5
    assert points(touch("demo_requested"), after=9999 * DAY) == 40


def test_the_next_change_is_the_nearest_expiry_ahead() -> None:
    earned = earn(touch("page", NOW - 40 * DAY), touch("page", NOW, path="/pricing"))
    assert next_change(SCORING, earned, NOW) == NOW + 10 * DAY
    assert next_change(SCORING, earned, NOW + 10 * DAY) == NOW + 30 * DAY
    assert next_change(SCORING, earned, NOW + 30 * DAY) is None


def test_points_with_a_half_life_fade_and_the_cap_counts_what_is_left() -> None:
    assert points(touch("video_played")) == 24
    assert points(touch("video_played"), after=7 * DAY) == 12
    assert points(touch("video_played"), touch("video_played")) == 40
    assert points(touch("video_played"), touch("video_played"), after=7 * DAY) == 24
    [entry] = earn(touch("video_played"))
    assert entry.expires_at
    assert points(touch("video_played"), after=entry.expires_at - NOW) == 0


@pytest.mark.parametrize(
    ("fit", "engagement", "grade"),
    [(40, 50, "A1"), (30, 50, "A1"), (29, 49, "B2"), (10, 10, "C3"), (9, 9, "D4"), (-5, -5, "D4")],
)
def test_a_grade_tells_fit_by_letter_and_engagement_by_number(
    fit: int, engagement: int, grade: str
) -> None:
    assert Grades((30, 20, 10), (50, 30, 10)).of(fit, engagement) == grade


def test_a_score_carries_its_grade_when_the_playbook_has_grades() -> None:
    graded = replace(SCORING, grades=Grades((30, 20, 10), (50, 30, 10)))
    assert score(graded, facts(), earn(touch("demo_requested")), NOW).grade == "D2"
    assert score(SCORING, facts(), [], NOW).grade == ""


def test_an_explanation_says_what_each_touch_still_gives() -> None:
    earned = earn(touch("video_played", NOW - 7 * DAY), touch("video_played", NOW))
    [reason] = explain(SCORING, facts(), earned, NOW)
    assert (reason.points, [each.points for each in reason.touches]) == (36, [24, 12])


def test_points_of_a_rule_that_is_no_more_do_not_count() -> None:
    earned = earn(touch("page"), touch("demo_requested"))
    smaller = Scoring(engagement=(DEMO,))
    assert score(smaller, facts(), earned, NOW).engagement == 40
    assert sum(reason.points for reason in explain(smaller, facts(), earned, NOW)) == 40


def test_an_explanation_names_every_rule_with_its_points_and_dates() -> None:
    who = facts(who=lead(traits={"job": "IT"}))
    early, late = touch("page", NOW - 2 * DAY), touch("page", NOW - DAY)
    fit, pages = explain(SCORING, who, earn(early, late), NOW)
    assert (fit.title, fit.points, fit.at, fit.expires_at) == ("Works in IT", 20, None, None)
    assert (pages.title, pages.points) == ("Looked around", 10)
    assert (pages.at, pages.expires_at) == (NOW - DAY, NOW + 28 * DAY)


touches = st.builds(
    lambda name, age, path, machine: touch(name, NOW - age, machine, path=path),
    st.sampled_from(["page", "bounced", "demo_requested", "video_played", "other"]),
    st.timedeltas(0 * DAY, 60 * DAY),
    st.sampled_from(["/", "/pricing", "/en/pricing/x"]),
    st.sampled_from([None, None, None, "proxy"]),
)


@given(st.lists(touches, max_size=12), st.randoms(), st.timedeltas(0 * DAY, 60 * DAY))
def test_the_order_of_touches_does_not_matter(did: list[Touch], dice: Any, later: Any) -> None:
    shuffled = list(did)
    dice.shuffle(shuffled)
    assert points(*did, after=later) == points(*shuffled, after=later)


@given(st.lists(touches, max_size=12))
def test_kept_up_touch_by_touch_is_the_same_as_computed_from_scratch(did: list[Touch]) -> None:
    kept: list[Entry] = []
    for number, one in enumerate(did, start=1):
        kept = [entry for entry in kept if entry.alive(NOW)] + entries(SCORING, one)
        assert score(SCORING, facts(), kept, NOW).engagement == points(*did[:number])


@given(st.lists(touches, max_size=12), st.lists(touches, max_size=6))
def test_a_tally_counts_as_all_that_it_was_made_of(did: list[Touch], then: list[Touch]) -> None:
    earned, more = earn(*did), earn(*then)
    told = [*living(SCORING, earned, NOW), *more]
    assert score(SCORING, facts(), told, NOW) == score(SCORING, facts(), [*earned, *more], NOW)
    assert next_change(SCORING, told, NOW) == next_change(SCORING, [*earned, *more], NOW)
    assert tally(SCORING, told, NOW) == tally(SCORING, [*earned, *more], NOW)


@given(st.lists(touches, max_size=12), st.booleans(), st.timedeltas(0 * DAY, 60 * DAY))
def test_the_reasons_add_up_to_the_score(
    did: list[Touch], works_in_it: bool, later: timedelta
) -> None:
    who = facts(who=lead(traits={"job": "IT"} if works_in_it else {}))
    earned = earn(*did)
    reasons = explain(SCORING, who, earned, NOW + later)
    assert (
        sum(reason.points for reason in reasons) == score(SCORING, who, earned, NOW + later).total
    )
    assert [reason.points for reason in reasons] == sorted(
        (reason.points for reason in reasons), reverse=True
    )


@given(st.lists(touches, max_size=12), st.timedeltas(0 * DAY, 60 * DAY))
def test_between_two_changes_the_score_stands_still(did: list[Touch], later: timedelta) -> None:
    earned = earn(*did)
    change = next_change(SCORING, earned, NOW + later)
    before = score(SCORING, facts(), earned, NOW + later)
    quiet = change - timedelta(microseconds=1) if change else NOW + 999 * DAY
    assert score(SCORING, facts(), earned, quiet) == before


def _grouped(*points: int) -> Scoring:
    rules = (
        EngagementRule(f"rule-{n}", each, f"touch-{n}", group="web")
        for n, each in enumerate(points)
    )
    return Scoring(engagement=tuple(rules), groups={"web": 30})


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=5), st.randoms())
def test_a_group_gives_no_more_than_its_cap_and_every_point_is_explained(
    given_points: list[int], chance: Any
) -> None:
    scoring = _grouped(*given_points)
    touches = [touch(f"touch-{n}") for n in range(len(given_points))]
    earned = [entry for each in touches for entry in entries(scoring, each)]
    chance.shuffle(earned)
    total = score(scoring, facts(), earned, NOW).engagement
    assert total == max(-30, min(30, sum(given_points)))
    assert sum(reason.points for reason in explain(scoring, facts(), earned, NOW)) == total
