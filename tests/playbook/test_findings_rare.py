"""Mistakes nobody makes twice: the rest of the messages, so that each of them is promised somewhere."""

from pathlib import Path

import pytest

from nurture.domain.errors import InputError
from nurture.playbook.compiler import check, remarks
from nurture.playbook.source import read_files
from nurture.simulation.people import people_of_rows, read_people
from tests.playbook.test_findings import of_steps, said
from tests.support.playbook import PLAYBOOK
from tests.support.small import (
    COMPANY,
    FLOW,
    FORMS,
    LAUNCH,
    PERSONAS,
    SCORING,
    SENDERS,
    SLA,
    SMALL,
)

WINDOW = 'send_window: {days: sat, hours: "08:00-09:00"}\n'
OWNERS = SMALL[SLA].replace("owners: [Ida]}", "owners: [Ida], %s}")


@pytest.mark.parametrize(
    ("steps", "finding"),
    [
        (
            "  - email: {zzzzz: welcome}\n",
            '5:13: unknown persona "zzzzz"; declare it in config/personas.yaml',
        ),
        (
            '  - task: {kind: call, to: sales, title: "a\\nb"}\n',
            '5:42: this should be one line; such as "Call {{ lead.first_name }}"',
        ),
        (
            "  - wait_for: {of: welcome, when: stage == 'lead', within: 1 day}\n",
            '5:15: "of" names the mail of a touch; give the touch, too',
        ),
        (
            "  - set: {trait: country, value: [DK]}\n",
            "5:34: a list is no text; country is text",
        ),
        (
            "  - handover: {reason: done, to: slaes}\n",
            '5:34: unknown team "slaes"; did you mean "sales"?',
        ),
        (
            "  - wait: 2 business weeks\n",
            '5:11: "2 business weeks" has no meaning; write "business hours" or "business days"',
        ),
        (
            "  - wait: 1.5 business days\n",
            '5:11: "1.5 business days" is not a whole number of days; '
            'write "business hours" instead',
        ),
        (
            "  - wait: 0 days\n",
            '5:11: "0 days" is no time at all; leave it out, or write a longer one',
        ),
        (
            "  - wait: 4000 days\n",
            '5:11: "4000 days" is longer than ten years; write a shorter one',
        ),
    ],
)
def test_a_rare_mistake_in_a_step_is_found(steps: str, finding: str) -> None:
    assert of_steps(steps)[0] == f"{LAUNCH}:{finding}"


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (
            {"sla": OWNERS % "rules: [{when: 'true', owners: [Idda]}]"},
            f'{SLA}:4:78: "Idda" is not among the owners of this team; did you mean "Ida"?',
        ),
        (
            {"sla": OWNERS % "people: {Ida: {absent: [{from: 2026-12-21, back: 2026-12-20}]}}"},
            f"{SLA}:4:95: back before leaving; `back` is the first day at work again",
        ),
        (
            {"sla": OWNERS % "rules: [{country: DK, owners: [Ida]}]", "traits": "x: text\n"},
            f'{SLA}:4:55: no lead has a country; declare "country: text" in config/traits.yaml',
        ),
        (
            {"senders": SMALL[SENDERS] + "links: {tags: {utm_x: '{foo}'}}\n"},
            f'{SENDERS}:3:23: "{{foo}}" names what is not known of a link; '
            "known are {flow}, {step}, {mail}, {language}",
        ),
        (
            {"senders": SMALL[SENDERS] + "watch: {complaints: {warn: many, pause: 5%}}\n"},
            f'{SENDERS}:3:28: "many" is not a percentage; such as "0.3%" or "5%"',
        ),
        (
            {"flow": FLOW + WINDOW.replace("09:00", "08:00")},
            f'{LAUNCH}:6:33: "08:00-08:00" opens and closes at once; all day is "00:00-24:00"',
        ),
        (
            {"flow": FLOW + WINDOW.replace("}", ", timezone: Qqqq}")},
            f'{LAUNCH}:6:58: unknown time zone "Qqqq"; such as "Europe/Copenhagen"',
        ),
        (
            {"flow": FLOW + WINDOW.replace("sat", "always")},
            f'{LAUNCH}:6:21: unknown weekday "always"; such as "mon-fri"',
        ),
        (
            {"flow": FLOW.replace("steps:\n  - email: welcome", "steps: 3")},
            f'{LAUNCH}:4:8: "steps" should be a list, each item after a dash, not 3',
        ),
        (
            {"flow": FLOW.replace("title: Launch", 'title: ""')},
            f'{LAUNCH}:2:8: "title" should be filled in',
        ),
        (
            {"scoring": "engagement:\n  x: {points: 5, touch: page, group: wep}\n"},
            f'{SCORING}:2:38: there is no group "wep"; give its cap under groups',
        ),
        (
            {"sla": SMALL[SLA].replace("DKK", "kroner")},
            f'{SLA}:3:57: "currency" cannot be "kroner"; three capital letters, such as DKK',
        ),
        (
            {"forms": "guide: {fields: {land: shoe}}\n"},
            f'{FORMS}:1:24: unknown trait "shoe"; declare it in config/traits.yaml',
        ),
        (
            {"company": SMALL[COMPANY] + "retention: {touches: 100 days, visitors: 400 days}\n"},
            f"{COMPANY}:5:22: without their touches nobody knows when visitors were last here; "
            "keep touches at least as long as visitors",
        ),
        (
            {"company": SMALL[COMPANY] + "retention: {touches: 30 days, unconfirmed: 60 days}\n"},
            f"{COMPANY}:5:22: without their touches nobody knows who is known otherwise; "
            "keep touches at least as long as unconfirmed",
        ),
        (
            {"company": SMALL[COMPANY] + "retention: {unconfirmed: 29 days}\n"},
            f"{COMPANY}:5:26: a consent can be confirmed for 30 days; "
            "keep unconfirmed at least as long",
        ),
        (
            {"reports": "weekly: {title: x, every: week, at: 25:99, to: [a@b.dk]}\n"},
            'config/reports.yaml:1:37: "25:99" is not a time of day; such as "08:00"',
        ),
        (
            {"personas": f"dane: {{title: Dane, when: '{'(' * 300}true{')' * 300}'}}\n"},
            f"{PERSONAS}:1:27: this is nested too deeply; write it flatter, or as two rules",
        ),
        (
            {"personas": f"dane: {{title: Dane, when: {'a' * 100_001}}}\n"},
            f"{PERSONAS}:1:27: this is longer than 100,000 letters; write it as two rules",
        ),
    ],
)
def test_a_rare_mistake_in_a_file_is_found(change: dict[str, str], finding: str) -> None:
    assert finding in said(**change)


@pytest.mark.parametrize(
    "kept",
    [
        "touches: 400 days, visitors: 400 days",
        "touches: 100 days",
        "visitors: 400 days",
        "touches: 30 days, unconfirmed: 30 days",
        "unconfirmed: 30 days",
    ],
)
def test_touches_may_be_kept_as_long_as_visitors_and_either_without_the_other(kept: str) -> None:
    assert said(company=SMALL[COMPANY] + f"retention: {{{kept}}}\n", flow=FLOW) == []


def test_a_scenario_says_what_can_be_said() -> None:
    scenario = (
        "scenario: s\nlead: {zzz: 1}\ndoes: [{day: 1, says: {country: DK}, of: welcome}]\n"
        "expect: {day 0: zzz}\n"
    )
    file = "config/scenarios/s.yaml"
    assert [str(found) for found in check({**SMALL, file: scenario})] == [
        f'{file}:2:8: unknown trait "zzz"; declare it in config/traits.yaml',
        f'{file}:3:8: "of" and "properties" are those of a touch; give the touch',
        f'{file}:4:17: "zzz" is nothing that can happen; such as "mail welcome"',
    ]


def test_a_flow_without_a_goal_is_remarked_upon() -> None:
    assert [str(remark) for remark in remarks({**SMALL, LAUNCH: FLOW})] == [
        f'{LAUNCH}:1:7: this flow has no goal; say what it is for, such as goal: stage == "sql"'
    ]


def test_a_flow_that_only_answers_needs_no_goal() -> None:
    assert remarks({**SMALL, LAUNCH: FLOW + "transactional: true\n"}) == []


def test_a_folder_without_a_playbook_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_files(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: there is no playbook here: the folder config/ is missing"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- 3\n", 'l.yaml, lead 1: a lead is a mapping, such as "email: anna@example.org"'),
        ("shoe: 3\n", 'l.yaml, lead 1: unknown trait "shoe"; one of'),
        ("stage: led\n", 'l.yaml, lead 1: unknown stage "led"; did you mean "lead"?'),
        (
            "consents: [email]\n",
            'l.yaml, lead 1: unknown consent "email"; did you mean "email_marketing"?',
        ),
        (
            "timezone: Aarhus\n",
            'l.yaml, lead 1: unknown time zone "Aarhus"; such as "Europe/Copenhagen"',
        ),
        (
            "timezone: Europe\n",
            'l.yaml, lead 1: unknown time zone "Europe"; such as "Europe/Copenhagen"',
        ),
        ("- {id: a}\n- {id: a}\n", "l.yaml: two leads have the id a"),
    ],
)
def test_a_lead_that_cannot_be_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read_people("l.yaml", text, PLAYBOOK)
    assert str(caught.value).startswith(problem)


def test_a_row_that_cannot_be_a_lead_is_named_by_its_line() -> None:
    with pytest.raises(InputError, match=r'l\.csv:7: unknown stage "led"'):
        people_of_rows("l.csv", [(7, {"stage": "led", "email": ""})], PLAYBOOK)


def test_a_grade_that_no_lead_can_reach_is_worth_a_remark() -> None:
    def noted(engagement: str) -> list[str]:
        scoring = (
            "grades: {fit: [35, 20, 10], engagement: [40, 20, 8]}\n"
            "groups: {web: 15}\n"
            """fit: {dane: {points: 20, when: 'lead.country == "DK"'}, """
            """spam: {points: -50, when: 'lead.country == ""'}}\n"""
            f"engagement: {{{engagement}}}\n"
        )
        return [str(remark) for remark in remarks({**SMALL, SCORING: scoring})]

    fit = f"{SCORING}:1:16: no lead gets 35 points here; the rules give 20 at most"
    page = "page: {points: 2, touch: page, group: web}"
    form = "form: {points: 9, touch: form_submitted, cap: 18}"
    assert noted(f"{page}, {form}") == [
        fit,
        f"{SCORING}:1:42: no lead gets 40 points here; the rules give 33 at most",
    ]
    assert noted(f"{page}, {form.replace(', cap: 18', '')}") == [fit]
