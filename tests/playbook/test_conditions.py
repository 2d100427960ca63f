from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nurture.domain.lead import Facts, Lead, Score, Stay, Touch
from nurture.playbook.conditions import Conditions
from nurture.playbook.durations import Durations
from nurture.playbook.findings import Wrong

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TRAITS = {
    "country": "text",
    "employees": "number",
    "newsletter": "yes/no",
    "trial_ends": "date",
    "languages": "list",
}


def conditions(pace: str = "") -> Conditions:
    return Conditions(TRAITS, ["lead", "mql"], ["student"], ["page", "clicked"], Durations(pace))


def facts(*touches: Touch, **traits: Any) -> Facts:
    lead = Lead(
        "1", "ida@firma.dk", traits, stage="mql", persona="student", tags=frozenset({"hot"})
    )
    return Facts(lead, Score(fit=30, engagement=12), touches)


def touch(name: str, days_ago: float, machine: str | None = None) -> Touch:
    return Touch(f"{name}{days_ago}", name, NOW - timedelta(days=days_ago), machine=machine)


@pytest.mark.parametrize(
    "source",
    [
        'lead.country == "Danmark"',
        "lead.employees >= 50 && lead.employees < 200.5",
        "lead.newsletter",
        'lead.trial_ends < now.plus("3 days")',
        'lead.trial_ends > now.minus("1 day")',
        '"da" in lead.languages',
        'lead.email.endsWith("@firma.dk")',
        '"hot" in lead.tags',
        "score.fit == 30 && score.engagement == 12 && score.total == 42",
        'stage in ["mql"] && persona == "student"',
        'now < timestamp("2027-01-01T00:00:00Z")',
    ],
)
def test_everything_known_of_a_lead_can_be_asked_for(source: str) -> None:
    known = facts(
        country="Danmark",
        employees="60",
        newsletter="yes",
        trial_ends="2026-05-06",
        languages=["da", "en"],
    )
    assert conditions().compile(source)(known, NOW)


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ('lead.country == ""', True),
        ("lead.employees == null", True),
        ("lead.employees > 0", False),
        ("lead.newsletter", False),
        ("lead.trial_ends < now", False),
        ("lead.trial_ends > now", False),
        ("size(lead.languages) == 0", True),
    ],
)
def test_what_is_not_known_never_raises(source: str, holds: bool) -> None:
    assert conditions().compile(source)(facts(), NOW) is holds


@pytest.mark.parametrize(
    "traits",
    [
        {"employees": "many"},
        {"employees": float("inf")},
        {"trial_ends": "soon"},
        {"newsletter": "?"},
    ],
)
def test_a_value_of_the_wrong_kind_counts_as_not_known(traits: dict[str, Any]) -> None:
    for source in ("lead.employees > 5", "lead.trial_ends < now", "lead.newsletter"):
        assert conditions().compile(source)(facts(**traits), NOW) is False


def test_touches_are_counted_by_name_and_age_and_machines_are_not() -> None:
    known = facts(touch("page", 1), touch("page", 9), touch("clicked", 0, machine="scanner"))

    def holds(source: str) -> bool:
        return conditions().compile(source)(known, NOW)

    assert holds('touches.count("page") == 2')
    assert holds('touches.count("page", "7 days") == 1')
    assert holds('touches.count("clicked") == 0')


def test_windows_shrink_with_the_pace() -> None:
    condition = conditions("1 day = 1 s").compile('touches.count("page", "7 days") == 1')
    recent = Touch("1", "page", NOW - timedelta(seconds=5))
    old = Touch("2", "page", NOW - timedelta(seconds=9))
    assert condition(facts(recent, old), NOW)


@pytest.mark.parametrize(
    ("source", "topics"),
    [
        ('lead.country == "DK"', {"lead"}),
        ('"hot" in lead.tags', {"lead"}),
        ('stage == "mql" || persona == "student"', {"stage", "persona"}),
        ("score.total > 5", {"score"}),
        ('touches.count("clicked") > 0', {"touch:clicked"}),
        ('touches.count("page", "7 days") == 0', {"touch:page", "clock"}),
        ('now > timestamp("2026-01-01T00:00:00Z")', {"clock"}),
        ("lead.country == 'stage' // score", {"lead"}),
        (
            r"""lead.country == r"\d'" || stage == "mql" || lead.country == "\"" """,
            {"lead", "stage"},
        ),
        ('lead . country == "DK"', {"lead"}),
    ],
)
def test_a_condition_names_what_can_change_its_answer(source: str, topics: set[str]) -> None:
    assert conditions().compile(source).topics == topics


@pytest.mark.parametrize(
    ("source", "column", "problem", "remedy"),
    [
        ('lead.contry == "DK"', 1, 'unknown name "lead.contry"', 'did you mean "lead.country"?'),
        ("lead.x == 1", 1, 'unknown name "lead.x"', "declare the trait x in config/traits.yaml"),
        ('true && stge == "x"', 9, 'unknown name "stge"', 'did you mean "stage"?'),
        ('stage == "mlq"', 10, 'unknown stage "mlq"', 'did you mean "mql"?'),
        ('"mlq" != stage', 1, 'unknown stage "mlq"', 'did you mean "mql"?'),
        (
            'persona in ["student", "stdent"]',
            24,
            'unknown persona "stdent"',
            'did you mean "student"?',
        ),
        ('touches.count("clickd") > 0', 15, 'unknown touch "clickd"', 'did you mean "clicked"?'),
        (
            'touches.count("won_prize") > 0',
            15,
            'unknown touch "won_prize"',
            "declare it in config/touches.yaml",
        ),
        ('touches.count("page", "7 dys") > 0', 23, 'unknown unit "dys"', 'did you mean "days"?'),
        (
            "touches.size() > 0",
            1,
            "touches can only be asked for by name",
            'write touches.count("clicked"), touches.count("page", "7 days"), '
            'touches.last("page") or touches.since("page")',
        ),
        (
            "touches.count(stage) > 0",
            1,
            "touches can only be asked for by name",
            'write touches.count("clicked"), touches.count("page", "7 days"), '
            'touches.last("page") or touches.since("page")',
        ),
        (
            'now.plus("2 business days") > now',
            10,
            '"2 business days" cannot be in business time here',
            'such as "3 days" or "72h"',
        ),
        (
            "now.plus(stage) > now",
            1,
            "this needs one duration in quotes",
            'write now.plus("3 days") or now.minus("3 days")',
        ),
        (
            'duration("3h") > duration("2h")',
            1,
            "duration() is not used here",
            'write now.plus("3 days") or now.minus("3 days")',
        ),
        (
            "lead.country == 5",
            14,
            '"==" does not work on text and a whole number',
            "both sides must be of the same kind",
        ),
        (
            "score.total",
            1,
            "this gives a whole number, not yes or no",
            'compare it: "score.total >= 40"',
        ),
        ("stage ==", 9, "this cannot be read as a condition: it ends too early", ""),
        (
            "(" * 200 + "true" + ")" * 200,
            1,
            "this is nested too deeply",
            "write it flatter, or as two rules",
        ),
    ],
)
def test_a_condition_that_cannot_hold_is_refused_where_it_is_wrong(
    source: str, column: int, problem: str, remedy: str
) -> None:
    with pytest.raises(Wrong) as caught:
        conditions().compile(source)
    found = caught.value.problems[0]
    assert (found.column, found.text, found.remedy) == (column, problem, remedy)


def test_every_unknown_name_of_a_condition_is_named() -> None:
    with pytest.raises(Wrong) as caught:
        conditions().compile('stge == "lead" || pesona == "student"')
    assert [problem.column for problem in caught.value.problems] == [1, 19]


def test_a_loop_that_never_ends_is_cut_off_and_does_not_hold() -> None:
    languages = [str(number) for number in range(2000)]
    condition = conditions().compile(
        "lead.languages.all(a, lead.languages.all(b, lead.languages.all(c, c != 'x')))"
    )
    assert condition(facts(languages=languages), NOW) is False


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ('lead.country.matches("(((")', 22),
        ('stage == "lead" && matches(lead.country, "(((")', 42),
        ("lead.country.matches(\"D.*\") || lead.country.matches('(((')", 53),
    ],
)
def test_a_regular_expression_that_is_none_is_found_before_any_lead_comes(
    source: str, column: int
) -> None:
    with pytest.raises(Wrong) as caught:
        conditions().compile(source)
    [problem] = caught.value.problems
    assert problem.text == '"(((" is not a regular expression: missing ): ((('
    assert problem.remedy == 'it is written as RE2 has it, such as matches("^D[KE]$")'
    assert (problem.line, problem.column) == (1, column)


@pytest.mark.parametrize(
    "source",
    [
        r'lead.country.matches(r"^\w+$")',
        r'lead.country.matches("^\\w+$")',
        'lead.country.matches("^(" + lead.country + ")$")',
        "'Danmark'.matches(lead.country)",
    ],
)
def test_a_regular_expression_that_holds_is_let_pass(source: str) -> None:
    assert conditions().compile(source)(facts(country="Danmark"), NOW)


def test_a_trait_may_be_called_matches() -> None:
    known = Conditions({"matches": "text"}, [], [], [], Durations())
    assert known.compile('lead.matches == "x"')(facts(matches="x"), NOW)


@pytest.mark.parametrize(
    ("source", "holds", "never_did"),
    [
        ('touches.last("page") > now.minus("3 days")', True, False),
        ('touches.last("page") < now.minus("2 days")', False, False),
        ('touches.since("page") >= 2', True, True),
        ('touches.since("page") > 14', False, True),
        ('touches.since("page") < 3', True, False),
        ('touches.last("page") < touches.last("clicked")', True, False),
    ],
)
def test_when_a_lead_did_something_last_and_how_many_days_ago(
    source: str, holds: bool, never_did: bool
) -> None:
    asked = conditions().compile(source)
    told = facts(touch("page", 2), touch("page", 40), touch("clicked", 1), touch("page", 0, "bot"))
    assert (asked(told, NOW), asked(facts(), NOW)) == (holds, never_did)


def test_days_are_those_of_the_playbooks_clock() -> None:
    asked = conditions("1 day = 2 s").compile('touches.since("page") >= 3')
    ago = Touch("t1", "page", NOW - timedelta(seconds=6))
    assert asked(facts(ago), NOW)
    assert not asked(facts(ago), NOW - timedelta(seconds=1))


def test_what_grows_old_is_asked_about_again() -> None:
    assert "clock" in conditions().compile('touches.since("page") >= 3').topics
    assert conditions().compile('touches.last("page") > touches.last("clicked")').topics == {
        "touch:page",
        "touch:clicked",
    }


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ('touches.last("page") > enrolment.entered', True),
        ('touches.last("page") > enrolment.step_since', False),
        ('now > enrolment.entered.plus("4 days")', True),
    ],
)
def test_in_a_flow_the_enrolment_can_be_asked_about(source: str, holds: bool) -> None:
    asked = conditions().compile(source, in_flow=True)
    stay = Stay(entered=NOW - timedelta(days=5), since=NOW - timedelta(days=1))
    inside = replace(facts(touch("page", 2)), stay=stay)
    assert asked(inside, NOW) is holds
    assert not asked(facts(touch("page", 2)), NOW), "where nothing is known of it, nothing holds"


def test_outside_a_flow_there_is_no_enrolment() -> None:
    with pytest.raises(Wrong) as caught:
        conditions().compile("now > enrolment.entered")
    [problem] = caught.value.problems
    assert problem.text == 'unknown name "enrolment.entered"'
    assert problem.remedy == "only the conditions in a flow know its enrolment"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ('touches.since("page", "2 days") > 2', "since"),
        ("touches.count(1) > 2", "count"),
        ("now.plus(3) > now", "plus"),
    ],
)
def test_a_function_that_is_called_otherwise_is_shown_as_it_is_called(
    source: str, name: str
) -> None:
    with pytest.raises(Wrong) as caught:
        conditions().compile(source)
    [problem] = caught.value.problems
    assert problem.text == f'"{name}" is not called like this'
    assert problem.remedy.startswith("write ")
