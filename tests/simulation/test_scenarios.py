from collections.abc import Mapping
from pathlib import Path

import pytest

from nurture.playbook.compiler import check, compile_playbook
from nurture.playbook.scenario_schema import FORMS, kind_of
from nurture.playbook.source import read_files
from nurture.simulation.scenarios import Outcome, play, scenarios

FILES = read_files(Path(__file__).parents[2])
PLAYBOOK = compile_playbook(FILES)
FILE = "config/scenarios/one.yaml"
SILENT = FILES["config/scenarios/silent-student.yaml"]


def played(text: str) -> Outcome:
    files: Mapping[str, str] = {**FILES, FILE: text}
    return play(FILE, scenarios(files)[FILE], PLAYBOOK)


@pytest.mark.parametrize("file", sorted(scenarios(FILES)))
def test_our_own_scenarios_hold(file: str) -> None:
    outcome = play(file, scenarios(FILES)[file], PLAYBOOK)
    assert outcome.holds, "\n".join(outcome.difference())


def test_what_differs_is_shown_between_what_does_not() -> None:
    outcome = played(SILENT.replace("day 28: mail reminder", "day 26: mail reminder"))
    assert not outcome.holds
    assert outcome.difference()[1:5] == [
        "  day 7: mail course-guide",
        "  day 14: added to hesitating-leads",
        "- day 26: mail reminder",
        "+ day 28: mail reminder",
    ]


def test_a_mail_that_nobody_expected_is_a_difference() -> None:
    outcome = played(SILENT.replace("  day 28: mail reminder\n", ""))
    assert "+ day 28: mail reminder" in outcome.difference()


def test_what_happens_on_one_day_may_be_expected_in_any_order() -> None:
    one = 'expect: {day 0: ["becomes lead", "mail welcome", "enters welcome"]}'
    text = f"scenario: s\nlead: {{email: a@b.dk}}\ndays: 3\n{one}\n"
    assert played(text).holds


def test_who_unsubscribes_gets_no_more_mails_and_the_reason_is_told() -> None:
    text = (
        "scenario: s\nlead: {email: a@b.dk}\ndays: 10\n"
        "does: [{day: 2, unsubscribes: email_marketing}]\n"
        'expect: {day 0: mail welcome, day 5: "no mail course-guide: unsubscribed"}\n'
    )
    assert played(text).holds


def test_while_one_of_two_support_cases_is_open_the_mail_waits() -> None:
    text = (
        "scenario: s\nlead: {email: a@b.dk}\ndays: 10\n"
        "does:\n"
        "  - {day: 1, touch: support_case_opened, properties: {product: Courses, case: '1'}}\n"
        "  - {day: 1, touch: support_case_opened, properties: {product: courses, case: '2'}}\n"
        "  - {day: 2, touch: support_case_closed, properties: {product: courses, case: '1'}}\n"
        'expect: {day 0: mail welcome, day 5: "waits: open_case"}\n'
    )
    assert played(text).holds, played(text).difference()


def test_an_order_without_an_amount_makes_no_customer() -> None:
    text = (
        "scenario: s\nlead: {email: a@b.dk}\ndays: 4\n"
        "does: [{day: 1, touch: order_completed}, "
        "{day: 2, touch: order_completed, properties: {total: 400}}]\n"
        "expect: {day 0: [becomes lead, mail welcome], day 2: becomes customer}\n"
    )
    assert played(text).holds, played(text).difference()


def test_clicks_of_who_took_tracking_back_are_not_seen() -> None:
    text = (
        "scenario: s\nlead: {email: a@b.dk}\ndays: 10\n"
        "does: [{day: 1, unsubscribes: tracking}, {day: 2, touch: clicked, of: welcome}]\n"
        "expect: {day 0: mail welcome}\n"
    )
    assert "day 1: does unsubscribed" in played(text).happened
    assert not [line for line in played(text).happened if "clicked" in line]


def test_a_click_in_a_mail_that_was_never_sent_is_a_difference() -> None:
    text = (
        "scenario: s\nlead: {email: a@b.dk}\n"
        "does: [{day: 1, touch: clicked, of: reminder}]\nexpect: {day 0: mail welcome}\n"
    )
    assert played(text).difference()[:2] == [
        "  day 0: mail welcome",
        "+ day 1: cannot be: the lead has no mail of the step reminder yet",
    ]


def test_an_answer_that_sales_cannot_give_any_more_is_a_difference() -> None:
    text = (
        "scenario: s\nlead: {email: a@b.dk, occupation: Working Professional,"
        " specialization: IT Management}\n"
        "does: [{day: 8, touch: clicked, of: course-guide}, {day: 9, touch: demo_requested},"
        " {day: 10, sales: contacted}, {day: 11, sales: accepted}]\n"
        "expect: {day 0: mail welcome}\n"
    )
    told = "+ day 11: cannot be: what is contacted cannot become accepted any more"
    assert told in played(text).difference()


def test_a_lead_that_sales_lost_may_be_won() -> None:
    text = (
        "scenario: s\nlead: {email: a@b.dk, occupation: Working Professional,"
        " specialization: IT Management}\n"
        "does: [{day: 8, touch: clicked, of: course-guide}, {day: 9, touch: demo_requested},"
        " {day: 10, sales: lost}, {day: 11, sales: won}]\n"
        "expect: {day 11: [sales says won, becomes customer]}\n"
    )
    told = played(text).happened
    assert {"day 10: sales says lost", "day 11: sales says won", "day 11: becomes customer"} <= {
        *told
    }


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (
            "scenario: s\nlead: {emial: a@b.dk}\nexpect: {day 0: mail welcome}\n",
            'config/scenarios/one.yaml:2:8: unknown trait "emial"; did you mean "email"?',
        ),
        (
            "scenario: s\nlead: {}\nexpect: {day 0: maail welcome}\n",
            'config/scenarios/one.yaml:3:17: "maail welcome" is nothing that can happen; '
            'did you mean "mail"?',
        ),
        (
            "scenario: s\nlead: {}\nexpect: {day one: mail welcome}\n",
            'config/scenarios/one.yaml:3:10: "day one" is not a day; such as "day 5"; '
            'the first is "day 0"',
        ),
        (
            "scenario: s\nlead: {}\ndoes: [{day: 1}]\nexpect: {day 0: mail welcome}\n",
            "config/scenarios/one.yaml:3:8: this should be one thing; "
            "such as {day: 2, touch: clicked}",
        ),
    ],
)
def test_a_mistake_in_a_scenario_is_found_by_check(text: str, finding: str) -> None:
    assert [str(found) for found in check({**FILES, FILE: text})] == [finding]


def test_every_way_to_tell_something_can_be_expected() -> None:
    for kind, form in FORMS.items():
        assert kind_of(form.format(about="x", flow="f", step="s", what="won")) == kind
