"""When time alone changes an answer: until the moment that is named, it does not."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.lead import Facts
from nurture.playbook.conditions import Conditions
from nurture.playbook.durations import Durations
from tests.support.domain import DAY, NOW, facts, lead, touch

TRAITS = {"renewal": "date", "occupation": "text", "revenue": "number"}
CONDITIONS = Conditions(TRAITS, ["lead"], ["reader"], ["page", "demo"], Durations())
RULES = [
    'touches.count("page", "7 days") >= 2',
    'touches.count("page", "7 days") == 0 || touches.count("demo", "12h") == 1',
    'touches.since("demo") >= 30',
    'touches.since("demo") >= 3 && touches.since("demo") < 4.5',
    'touches.since("demo") >= .5 && touches.since("page") < 1e-1',
    'touches.since("demo") >= 2.5e+0 || touches.since("page") < 0x1e-3',
    '30u < touches.since("demo") || 4.5E0 >= touches.since("page")',
    'touches.last("page").plus("3 days") > now',
    'now >= lead.renewal.minus("14 days") && now < lead.renewal',
    'now.plus("2 days") > lead.renewal',
]
TICK = timedelta(microseconds=2)
"""An answer changes at a moment or right behind it, and the look is right behind that."""

_AGO = st.timedeltas(timedelta(), 40 * DAY)
_SOON = st.timedeltas(-20 * DAY, 40 * DAY)


@st.composite
def _leads(draw: st.DrawFn) -> Facts:
    pages, demos = draw(st.lists(_AGO, max_size=4)), draw(st.lists(_AGO, max_size=2))
    done = [touch("page", NOW - ago) for ago in pages] + [touch("demo", NOW - ago) for ago in demos]
    renewal = (NOW + draw(_SOON)).isoformat()
    return facts(*done, who=lead(traits={"renewal": renewal}))


@pytest.mark.parametrize("rule", RULES)
@given(who=_leads(), part=st.floats(0, 1, exclude_max=True))
def test_no_answer_changes_before_the_moment_that_is_named(
    rule: str, who: Facts, part: float
) -> None:
    condition, now = CONDITIONS.compile(rule), NOW
    for _ in range(12):
        following = condition.next_change(who, now)
        until = following or now + 90 * DAY
        assert until > now
        before = max(now, until - TICK)
        assert condition(who, now + part * (before - now)) == condition(who, now)
        if following is None:
            break
        now = following


def test_who_did_nothing_is_looked_at_never() -> None:
    assert (
        CONDITIONS.compile('touches.count("page", "7 days") == 0').next_change(facts(), NOW) is None
    )


def test_a_rule_that_asks_for_no_time_names_no_moment() -> None:
    condition = CONDITIONS.compile('touches.count("page") >= 2 && lead.occupation == "boss"')
    assert condition.next_change(facts(touch("page", NOW)), NOW) is None


def test_what_asks_for_the_time_in_another_way_is_looked_at_once_a_day() -> None:
    condition = CONDITIONS.compile("now.getDayOfWeek() == 1")
    assert condition.next_change(facts(), NOW) == NOW + DAY


@pytest.mark.parametrize(
    "rule",
    [
        'touches.since("page") >= lead.revenue',
        'touches.since("page") >= 7.0 * 2.0',
        'touches.since("page") / 7.0 >= 4.0',
        '30.0 - 2.0 <= touches.since("page")',
        'lead.occupation == "boss" && (touches.since("page")) >= 3 || score.total > 5',
        'touches.since("page") < touches.since("demo")',
    ],
)
def test_an_age_that_is_counted_with_is_looked_at_once_a_day(rule: str) -> None:
    condition = CONDITIONS.compile(rule)
    who = facts(touch("page", NOW - 40 * DAY), who=lead(traits={"revenue": 60}))
    assert condition.next_change(who, NOW) == NOW + DAY
    assert condition.next_change(facts(touch("click", NOW)), NOW) is None


@pytest.mark.parametrize(
    "rule",
    [
        'lead.revenue >= 1.5e+6 && touches.since("page") >= 3',
        '(3.0 <= touches.since("page") ? score.total : 7) > 5',
        '[touches.since("page") == 3.0, lead.revenue > 9.0].all(each, each)',
    ],
)
def test_an_age_that_is_compared_with_one_number_is_looked_at_then(rule: str) -> None:
    found = CONDITIONS.compile(rule).next_change(facts(touch("page", NOW)), NOW)
    assert found == NOW + 3 * DAY + timedelta(microseconds=1)


def test_a_machines_touch_grows_old_for_nobody() -> None:
    condition = CONDITIONS.compile('touches.since("page") >= 3')
    assert condition.next_change(facts(touch("page", NOW, machine="scanner")), NOW) is None


def test_a_short_day_has_short_ages() -> None:
    day = timedelta(milliseconds=200)
    short = Conditions(TRAITS, ["lead"], ["reader"], ["page"], Durations("1 day = 200 ms"))
    found = short.compile('touches.since("page") >= 3').next_change(facts(touch("page", NOW)), NOW)
    assert found
    assert NOW + 3 * day <= found <= NOW + 3 * day + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ('lead.revenue >= 5000000000.0 && touches.since("page") >= 3', 3),
        ('score.total >= 5000000 && touches.since("page") >= 3.5', 3.5),
        ('lead.revenue >= 1e300 && touches.since("page") >= 0x3', 3),
        ('touches.since("page") >= 3u', 3),
    ],
)
def test_numbers_that_are_no_days_and_any_literal_of_a_number_are_understood(
    rule: str, days: float
) -> None:
    found = CONDITIONS.compile(rule).next_change(facts(touch("page", NOW)), NOW)
    assert found == NOW + days * DAY + timedelta(microseconds=1)


@pytest.mark.parametrize("renewal", ["9999-12-31", "0001-01-01"])
def test_dates_at_the_ends_of_the_calendar_are_looked_at_once_a_day(renewal: str) -> None:
    condition = CONDITIONS.compile('lead.renewal.plus("30 days") > now.minus("30 days")')
    who = facts(who=lead(traits={"renewal": renewal}))
    assert condition.next_change(who, NOW) == NOW + DAY
