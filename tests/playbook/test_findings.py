"""Every kind of mistake, the line it is reported at, and the words. A message here is a promise."""

import pytest

from nurture.domain.errors import PlaybookError
from nurture.playbook.compiler import check, compile_playbook
from tests.support.small import (
    AUDIENCES,
    COMPANY,
    FLOW,
    FORMS,
    LAUNCH,
    PERSONAS,
    SCORING,
    SENDERS,
    SLA,
    SMALL,
    STAGES,
    TRAITS,
)

UNCALLABLE = (
    "http://[::1",
    "https://x y/",
    "https://x/a b",
    "https://x:99999/",
    "https://x:abc/",
    "https://hooks..example/",
    f"https://{'a' * 64}.example/",
    "https://%zz/",
)


def said(**changes: str) -> list[str]:
    """What is said of the small playbook with these files in place of its own."""
    paths = {"flow": LAUNCH, "yml": "config/flows/launch.yml", "scorings": "config/scorings.yaml"}
    files = dict(SMALL)
    for name, text in changes.items():
        files[paths.get(name, f"config/{name}.yaml")] = text
    return [str(finding) for finding in check(files)]


def of_steps(text: str) -> list[str]:
    """What is said of a flow whose steps begin on line 5."""
    return said(flow=FLOW.replace("  - email: welcome\n", text))


def test_the_small_playbook_has_no_findings() -> None:
    assert said(flow=FLOW) == []


@pytest.mark.parametrize(
    ("steps", "finding"),
    [
        (
            "  - email: welcom\n",
            '5:12: unknown mail template "welcom"; did you mean "welcome"?',
        ),
        ("  - emial: welcome\n", '5:5: unknown step "emial"; did you mean "email"?'),
        (
            "  - stop\n",
            "5:5: this is not a step; one of audience, branch, email, end, goto, handover, "
            "set, split, tag, task, wait, wait_for, webhook",
        ),
        (
            "  - email: welcome\n    wait: 3 days\n",
            '6:5: a step does one thing, so "wait" is too much; begin a new "- wait:"',
        ),
        ("  - wait: 3 dyas\n", '5:11: unknown unit "dyas"; did you mean "days"?'),
        ("  - wait: 3\n", '5:11: this should be text; such as "3 days" or "2 business days"'),
        ("  - wait:\n", "5:5: there is no value here; give one, or leave the key out"),
        (
            "  - email: welcome\n  - email: welcome\n",
            '6:5: two steps are called "welcome"; give this one its own, such as "id: welcome-2"',
        ),
        (
            "  - email: welcome\n  - wait: 1 day\n    id: welcome\n",
            '7:9: two steps are called "welcome"; give this one its own, such as "id: welcome-2"',
        ),
        (
            "  - end\n  - email: welcome\n",
            "6:5: no lead ever gets here; the step before it always leads away",
        ),
        (
            "  - wait_for: {touch: clicked, within: 1 day}\n    then: [end]\n    else: [end]\n"
            "  - email: welcome\n",
            "8:5: no lead ever gets here; the step before it always leads away",
        ),
        (
            "  - email: welcome\n  - wait_for: {touch: clicked, of: welcom, within: 1 day}\n",
            '6:36: no mail of this flow is called "welcom"; did you mean "welcome"?',
        ),
        (
            "  - wait_for: {touch: clickd, within: 1 day}\n",
            '5:23: unknown touch "clickd"; did you mean "clicked"?',
        ),
        (
            "  - wait_for: {within: 1 day}\n",
            "5:15: nothing is waited for; give a touch, or a condition as when",
        ),
        (
            "  - wait_for: {touch: clicked}\n",
            '5:5: the key "within" is missing; such as within: 3 days',
        ),
        ("  - split: []\n", '5:12: "split" should be at least 2 long'),
        ("  - split: [{weight: 1, do: []}]\n", '5:12: "split" should be at least 2 long'),
        (
            "  - split: [{weight: 0, do: []}, {weight: 1, do: []}]\n",
            '5:22: "weight" should be at least 1',
        ),
        ("  - branch: []\n", '5:13: "branch" should be at least 1 long'),
        (
            "  - branch:\n      - if: stage == 'led'\n        do: []\n",
            '6:22: unknown stage "led"; did you mean "lead"?',
        ),
        (
            "  - branch:\n      - if: >-\n          stage == 'lead' &&\n          lead.contry == 'DK'\n"
            "        do: []\n",
            '8:11: unknown name "lead.contry"; did you mean "lead.country"?',
        ),
        (
            "  - branch:\n      - if: |\n          stage == 'lead' &&\n          lead.contry == 'DK'\n"
            "        do: []\n",
            '8:11: unknown name "lead.contry"; did you mean "lead.country"?',
        ),
        ("  - audience: {add: wram}\n", '5:21: unknown audience "wram"; did you mean "warm"?'),
        (
            "  - audience: {add: warm, remove: warm}\n",
            '5:15: this should be one change; such as "audience: {add: ...}"',
        ),
        ("  - tag: {}\n", '5:10: this should be one change; such as "tag: {add: ...}"'),
        (
            "  - task: {kind: cal, to: sales, title: Call}\n",
            '5:18: "kind" cannot be "cal"; did you mean "call"?',
        ),
        (
            "  - task: {kind: call, to: slaes, title: Call}\n",
            '5:28: unknown team "slaes"; did you mean "sales"?',
        ),
        (
            "  - task: {kind: call, to: sales, title: 'Call {{ lead.first_name'}\n",
            "5:42: the placeholder cannot be read: unexpected end of template, expected 'end of "
            "print statement'.",
        ),
        (
            f"  - task: {{kind: call, to: sales, title: '{{{{ {'(' * 90}1{')' * 90} }}}}'}}\n",
            "5:42: the placeholder cannot be read: this is nested too deeply; write it flatter",
        ),
        (
            "  - set: {trait: contry, value: DK}\n",
            '5:18: unknown trait "contry"; did you mean "country"?',
        ),
        (
            "  - set: {trait: country, value: {a: 1}}\n",
            "5:34: this should be one value, or a list of texts",
        ),
        ("  - goto: lunch\n", '5:11: unknown flow "lunch"; did you mean "launch"?'),
        ("  - goto: launch\n", '5:11: "launch" leads back to "launch"; end one of them'),
        ("  - handover: {}\n", '5:5: the key "reason" is missing'),
        (
            "  - webhook: {url: x}\n",
            "5:14: this should be text",
        ),
        (
            "  - webhook: crm\n",
            '5:14: unknown webhook "crm"; declare it in config/webhooks.yaml',
        ),
        (
            "  - email: welcome\n    was: welcome\n",
            '6:10: a step is called "welcome"; an earlier name must be free',
        ),
        (
            "  - email: welcome\n    was: hi\n  - wait: 1 day\n    was: [hi]\n",
            '8:10: a step is called "hi"; an earlier name must be free',
        ),
        (
            "  - wait: {until: 2026-13-01}\n",
            '5:19: "2026-13-01" is not a date; such as "2026-12-01" or "2026-12-01 09:00"',
        ),
        (
            "  - wait: {until: country}\n",
            '5:19: the trait "country" is no date; '
            "declare a trait of the kind date in config/traits.yaml",
        ),
        (
            "  - wait: {until: window}\n",
            "5:19: this flow has no send_window; add one, or write a duration",
        ),
        (
            "  - wait: {until: window, before: 2 days}\n",
            "5:11: a window cannot be moved; write at_least: 2 days",
        ),
        (
            "  - wait: {until: 2026-12-01, before: 1 day, after: 1 day}\n",
            '5:11: "before" and "after" contradict each other; keep one',
        ),
        (
            "  - wait: {until: 2026-12-01, at_least: 1 day}\n",
            '5:11: "at_least" goes with "until: window" only; put a wait before this one',
        ),
        (
            "  - wait: 3 days\n    else: [end]\n",
            '5:5: "else" is for leads whose date is not known; leave it out, or wait until a trait',
        ),
        (
            "  - email: {defualt: welcome}\n",
            '5:13: unknown persona "defualt"; did you mean "default"?',
        ),
        (
            "  - email: {}\n",
            "5:12: the other personas get no mail; add default: <template>",
        ),
        (
            "  - email: {default: welcom}\n",
            '5:22: unknown mail template "welcom"; did you mean "welcome"?',
        ),
        (
            "  - split: [{weight: 1, holdout: true, do: []}, {weight: 1, do: []}]\n",
            "5:13: a share does something, or is held out; write do: [...] or holdout: true",
        ),
        (
            "  - split: [{weight: 1}, {weight: 1, do: []}]\n",
            '5:13: the key "do" is missing; write do: [...] or holdout: true',
        ),
        (
            "  - task: {kind: call, to: sales, title: Call}\n    then: [end]\n",
            '5:5: "then" and "else" need a time for the task; '
            "give within: 2 business days to the task",
        ),
        (
            "  - wait_for: {touch: task_done, of: welcome, within: 1 day}\n",
            '5:38: no task of this flow is called "welcome"; there is none yet',
        ),
    ],
)
def test_a_mistake_in_a_step_is_found(steps: str, finding: str) -> None:
    assert of_steps(steps)[0] == f"{LAUNCH}:{finding}"


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (
            {"flow": FLOW + "titel: x\n"},
            f'{LAUNCH}:6:1: unknown key "titel"; did you mean "title"?',
        ),
        (
            {"flow": FLOW.replace("form_submitted", "form_submited")},
            f'{LAUNCH}:3:13: unknown touch "form_submited"; did you mean "form_submitted"?',
        ),
        (
            {"flow": FLOW.replace("form_submitted}", "condition}")},
            f'{LAUNCH}:3:8: "on: condition" needs the condition; give it as when',
        ),
        (
            {
                "flow": FLOW.replace(
                    "form_submitted}", "condition, when: stage == 'lead', again: always}"
                )
            },
            f"{LAUNCH}:3:8: a condition that holds would start the flow again and again; "
            'write again: "when it lapsed"',
        ),
        (
            {"flow": FLOW.replace("form_submitted}", "page, again: when it lapsed}")},
            f"{LAUNCH}:3:8: nothing can lapse here; give a condition as when",
        ),
        (
            {"flow": FLOW.replace("form_submitted}", "date}")},
            f'{LAUNCH}:3:8: "on: date" stands alone and needs the date; '
            "such as {on: date, date: {trait: trial_ends, before: 7 days}}",
        ),
        (
            {"flow": FLOW.replace("form_submitted}", "date, date: {trait: contry}}")},
            f'{LAUNCH}:3:33: unknown date "contry"; '
            "declare a trait of the kind date in config/traits.yaml",
        ),
        (
            {"flow": FLOW.replace("form_submitted}", "page, a_day: 0}")},
            f'{LAUNCH}:3:26: "a_day" should be at least 1',
        ),
        (
            {"flow": FLOW + "was: launch\n"},
            f'{LAUNCH}:6:6: a flow is called "launch"; an earlier name must be free',
        ),
        (
            {"flow": FLOW + "paused: hld\n"},
            f'{LAUNCH}:6:9: "paused" cannot be "hld"; did you mean "hold"?',
        ),
        (
            {"flow": FLOW + "in_flight: stay\n"},
            f'{LAUNCH}:6:12: "in_flight" cannot be "stay"; one of exit, finish_old, follow',
        ),
        (
            {"flow": FLOW + "start: soon\n"},
            f'{LAUNCH}:6:8: "soon" is not a date; such as "2026-12-01" or "2026-12-01 09:00"',
        ),
        (
            {"webhooks": "crm: {title: CRM, url: crm.example}\n"},
            'config/webhooks.yaml:1:24: "crm.example" is not a web address; '
            'such as "https://crm.example/hooks/nurture"',
        ),
        *(
            (
                {"webhooks": f'crm: {{title: CRM, url: "{url}"}}\n'},
                "config/webhooks.yaml:1:24: "
                + f'"{url}" is not a web address; such as "https://crm.example/hooks/nurture"',
            )
            for url in UNCALLABLE
        ),
        (
            {"flow": FLOW.replace("form_submitted}", "page, stage: lead}")},
            f'{LAUNCH}:3:8: "stage" narrows "on: stage" only; write on: stage',
        ),
        (
            {"flow": FLOW.replace("form_submitted}", "page, again: 90 days}")},
            f'{LAUNCH}:3:26: "90 days" does not say when; '
            'write "never", "always", "after 90 days" or "when it lapsed"',
        ),
        (
            {"flow": FLOW + "sender: uss\n"},
            f'{LAUNCH}:6:9: unknown sender "uss"; did you mean "us"?',
        ),
        (
            {"flow": FLOW + "live: yes\n"},
            f'{LAUNCH}:6:7: "live" should be true or false, not "yes"',
        ),
        (
            {"flow": FLOW + "consent: email\n"},
            f'{LAUNCH}:6:10: "consent" cannot be "email"; did you mean "email_marketing"?',
        ),
        (
            {"flow": FLOW + 'send_window: {days: mon-fry, hours: "08:00-16:00"}\n'},
            f'{LAUNCH}:6:21: unknown weekday "fry"; did you mean "fri"?',
        ),
        (
            {"flow": FLOW + 'send_window: {days: mon-fri, hours: "08:00-25:00"}\n'},
            f'{LAUNCH}:6:37: "25:00" is not a time of day; from 00:00 to 24:00',
        ),
        (
            {"flow": FLOW + "send_window: {days: sat, hours: 8-16}\n"},
            f'{LAUNCH}:6:33: "8-16" is not a pair of times; such as "08:00-16:30"',
        ),
        (
            {
                "flow": FLOW
                + 'send_window: {days: sat, hours: "08:00-16:00", timezone: Europe/Kopenhagen}\n'
            },
            f'{LAUNCH}:6:58: unknown time zone "Europe/Kopenhagen"; did you mean "Europe/Copenhagen"?',
        ),
        (
            {"flow": FLOW + 'send_window: {days: sat, hours: "08:00-16:00", holidays: Dk}\n'},
            f'{LAUNCH}:6:58: unknown country "Dk"; two capital letters, such as "DK"',
        ),
        (
            {"flow": FLOW.replace("launch", "Launch 1")},
            f'{LAUNCH}:1:7: "flow" cannot be "Launch 1"; '
            "use small letters and digits, joined by - (names of touches and traits: by _)",
        ),
        (
            {"flow": "flow: launch\nflow: launch\n"},
            f'{LAUNCH}:2:1: "flow" is given twice; keep one of them',
        ),
        (
            {"flow": "flow: [launch\n"},
            f"{LAUNCH}:1:7: this is not YAML: expected ',' or ']', but got "
            "'<stream end>'; look for a quote or indent",
        ),
        (
            {"flow": FLOW.replace("welcome", "&x welcome")},
            f"{LAUNCH}:5:12: anchors, aliases and tags mean nothing here; write the value out",
        ),
        (
            {"flow": "- email: welcome\n"},
            f"{LAUNCH}:1:1: this should be a mapping of keys to values, not a list",
        ),
        ({"flow": ""}, f'{LAUNCH}:1:1: the key "enter" is missing'),
        (
            {"yml": FLOW},
            "config/flows/launch.yml:1:1: nothing reads this file; "
            "a flow is config/flows/<name>.yaml",
        ),
        (
            {"scorings": "fit: {}\n"},
            "config/scorings.yaml:1:1: nothing reads this file; did you mean "
            '"config/scoring.yaml"?',
        ),
        (
            {"traits": "country: txt\n"},
            f'{TRAITS}:1:10: "country" cannot be "txt"; did you mean "text"?',
        ),
        (
            {"traits": "Country: text\n"},
            f'{TRAITS}:1:1: "Country" cannot be a name here; '
            "use small letters and digits, joined by - or _",
        ),
        (
            {"subscriptions": "tips: {title: {de: Tipps}}\n"},
            'config/subscriptions.yaml:1:16: "de" is not a language of the company; '
            "say it under languages in config/company.yaml",
        ),
        (
            {"subscriptions": "tips: {title: {German: Tipps}}\n"},
            'config/subscriptions.yaml:1:16: "German" is not a language; '
            "two or three small letters, such as de",
        ),
        (
            {"traits": "email: text\n"},
            f'{TRAITS}:1:1: every lead has "email" already; leave it out',
        ),
        (
            {"scoring": "fit: {dk: {points: many, when: lead.country == 'DK'}}\n"},
            f'{SCORING}:1:20: "points" should be a whole number, not "many"',
        ),
        (
            {"scoring": "fit: {dk: {points: 5000, when: lead.country == 'DK'}}\n"},
            f'{SCORING}:1:20: "points" should be at most 1000',
        ),
        (
            {"scoring": "fit:\n  dk:\n    points: 5\n    when: score.total > 3\n"},
            f"{SCORING}:4:11: this rule cannot ask for the score; "
            "personas and fit points are found before the score and the stage",
        ),
        (
            {
                "scoring": "fit:\n  x: {points: 5, when: lead.country == 'DK'}\n"
                "engagement:\n  x: {points: 5, touch: page}\n"
            },
            f'{SCORING}:4:3: two rules are called "x"; rename one of them',
        ),
        (
            {
                "scoring": "groups: {web: 30}\nengagement:\n  x: {points: 5, touch: page, group: wep}\n"
            },
            f'{SCORING}:3:38: there is no group "wep"; did you mean "web"?',
        ),
        (
            {"personas": "dane: {title: Dane, when: persona == 'dane'}\n"},
            f"{PERSONAS}:1:27: this rule cannot ask for the persona; "
            "personas and fit points are found before the score and the stage",
        ),
        (
            {"audiences": "warm: {title: Warm, platform: mata, external_id: '1'}\n"},
            f'{AUDIENCES}:1:31: "platform" cannot be "mata"; did you mean "meta"?',
        ),
        (
            {"audiences": "warm: {title: Warm, platform: meta, external_id: 1}\n"},
            f'{AUDIENCES}:1:50: "external_id" should be text, not 1',
        ),
        (
            {"scoring": "engagement: {x: {points: 5, touch: page, where: {minutes: => 3}}}\n"},
            f'{SCORING}:1:59: "=> 3" is not a limit; such as ">= 3" or "< 10"',
        ),
        (
            {"senders": "default: us\nsenders: {us: {name: X, address: x}}\n"},
            f'{SENDERS}:2:34: "x" is not an address; An email address must have an @-sign.',
        ),
        (
            {"senders": "default: uss\nsenders: {us: {name: X, address: x@x.example}}\n"},
            f'{SENDERS}:1:10: unknown sender "uss"; did you mean "us"?',
        ),
        (
            {"forms": "guide: {fields: {land: contry}}\n"},
            f'{FORMS}:1:24: unknown trait "contry"; did you mean "country"?',
        ),
        (
            {"sla": SMALL[SLA].replace("team: sales", "team: seles")},
            f'{SLA}:6:9: unknown team "seles"; did you mean "sales"?',
        ),
        (
            {"sla": SMALL[SLA].replace("sql_stage: sql", "sql_stage: sqll")},
            f'{SLA}:7:14: unknown stage "sqll"; did you mean "sql"?',
        ),
        (
            {"sla": SMALL[SLA].replace("back_to: lead", "back_to: sql")},
            f'{SLA}:7:14: "sql" does not come after "sql" (back_to) in config/stages.yaml; '
            "the order is lead, sql, customer",
        ),
        (
            {"sla": SMALL[SLA].replace("48 hours", "48 hours, remind_at: [120%]")},
            f'{SLA}:12:41: "120%" is not a share; from "1%" to "99%"',
        ),
        (
            {"sla": SMALL[SLA].replace("48 hours", "48 hours, recycle_to: lunch")},
            f'{SLA}:12:41: unknown flow "lunch"; declare it in config/flows/',
        ),
        ({"company": "name: X\n"}, f'{COMPANY}:1:1: the key "address" is missing'),
    ],
)
def test_a_mistake_in_a_file_is_found(change: dict[str, str], finding: str) -> None:
    assert finding in said(**change)


def test_a_mail_whose_placeholder_is_broken_is_found() -> None:
    files = {**SMALL, "templates/email/welcome/subject.txt": "Hello\n{{ lead.first_name"}
    (finding,) = check(files)
    assert str(finding).startswith("templates/email/welcome/subject.txt:2:1: unexpected end of")


def test_a_mail_without_a_body_is_unknown() -> None:
    files = {**SMALL, LAUNCH: FLOW}
    del files["templates/email/welcome/body.mjml"]
    assert [str(finding) for finding in check(files)] == [
        f'{LAUNCH}:5:12: unknown mail template "welcome"; declare it in templates/email/'
    ]


def test_a_live_flow_may_not_hand_over_to_a_sales_team_that_agreed_to_nothing() -> None:
    flow = FLOW + "  - handover: {reason: done}\n"
    without = {path: text for path, text in SMALL.items() if path != SLA}
    missing = f"{SLA}:1:1: this file is missing; write it"
    assert [str(finding) for finding in check({**without, LAUNCH: flow})] == [
        f"{LAUNCH}:6:5: a live flow hands leads over, but sales has agreed to nothing; "
        "agree on a team and a deadline in config/sla.yaml",
        missing,
    ]
    draft = flow + "live: false\n"
    assert [str(finding) for finding in check({**without, LAUNCH: draft})] == [missing]


def test_flows_that_lead_to_each_other_are_found() -> None:
    back = FLOW.replace("launch", "back").replace("email: welcome", "goto: launch")
    there = FLOW.replace("email: welcome", "goto: back")
    files = {**SMALL, LAUNCH: there, "config/flows/back.yaml": back}
    assert [str(finding) for finding in check(files)] == [
        'config/flows/back.yaml:5:11: "launch" leads back to "back"; end one of them',
        f'{LAUNCH}:5:11: "back" leads back to "launch"; end one of them',
    ]


def test_a_live_flow_may_not_lead_into_a_draft() -> None:
    draft = FLOW.replace("launch", "draft") + "live: false\n"
    there = FLOW.replace("email: welcome", "goto: draft")
    files = {**SMALL, LAUNCH: there, "config/flows/draft.yaml": draft}
    (finding,) = check(files)
    assert str(finding) == f'{LAUNCH}:5:11: the flow "draft" is not live; say live: true there'


def test_two_flows_of_one_name_are_found() -> None:
    (finding,) = check({**SMALL, LAUNCH: FLOW, "config/flows/other.yaml": FLOW})
    assert str(finding) == (
        'config/flows/other.yaml:1:7: two flows are called "launch"; rename one of them'
    )


def test_one_unreadable_file_does_not_make_its_names_unknown_elsewhere() -> None:
    found = said(stages="lead: [", flow=FLOW + "goal: stage == 'anything'\n")
    assert [line.split(":")[0] for line in found] == [STAGES]


def test_all_mistakes_are_told_at_once_in_the_order_of_files_and_lines() -> None:
    files = {
        **SMALL,
        TRAITS: "country: txt\n",
        LAUNCH: FLOW.replace("welcome", "welcom").replace("Launch\n", "3\n"),
    }
    with pytest.raises(PlaybookError) as caught:
        compile_playbook(files)
    places = [(finding.file, finding.line) for finding in caught.value.findings]
    assert places == [(LAUNCH, 2), (LAUNCH, 5), (TRAITS, 1)]


@pytest.mark.parametrize(
    ("files", "finding"),
    [
        (
            {"scoring": "grades: {fit: [10, 20, 5], engagement: [3, 2, 1]}\n"},
            f"{SCORING}:1:15: this should be three numbers, the highest first; such as [35, 20, 10]",
        ),
        (
            {
                "scoring": "engagement:\n"
                "  x: {points: 5, touch: page, lasts: 3 days, half_life: 2 days}\n"
            },
            f'{SCORING}:2:6: points end all at once ("lasts") or fade ("half_life"), not both; '
            "remove one of them",
        ),
        (
            {"personas": "a: {title: A, signs: []}\n"},
            f'{PERSONAS}:1:4: a persona has either "when" or "signs"; '
            "signs: [{points: 2, when: ...}] are added up",
        ),
        (
            {"personas": "a: {title: A, when: 'lead.country == \"DK\"', at_least: 2}\n"},
            f'{PERSONAS}:1:4: "at_least" is for signs; remove it',
        ),
        (
            {"flow": FLOW + 'goal: score.grade == "A5"\n'},
            f'{LAUNCH}:6:22: unknown score.grade "A5"; '
            "one of A1, A2, A3, A4, B1, B2, B3, B4, "
            "C1, C2, C3, C4, D1, D2, D3, D4",
        ),
        (
            {
                "stages": "lead: {title: Lead}\nsql: {title: SQL, by: [import]}\n"
                "customer: {title: Customer}\n"
            },
            f'{STAGES}:2:23: sales lifts leads here (config/sla.yaml); add "sales"',
        ),
        (
            {
                "stages": "lead: {title: Lead}\nsql: {title: SQL, back: {to: [customer]}}\n"
                "customer: {title: Customer}\n"
            },
            f'{STAGES}:2:31: "customer" is not below "sql"; name lower stages',
        ),
        (
            {
                "stages": "lead: {title: Lead}\nsql: {title: SQL, back: {to: [lead], by: [rule]}}\n"
                "customer: {title: Customer}\n"
            },
            f'{STAGES}:2:25: a way back by rule has "when" and "reason", and names rule under "by"; '
            "by: [rule, sales], when: score.total < 30, reason: faded",
        ),
        (
            {
                "stages": "lead: {title: Lead, by: [import], when: stage == ''}\nsql: {title: SQL}\n"
                "customer: {title: Customer}\n"
            },
            f'{STAGES}:1:41: no rule may lift a lead here; add "rule" to by, or remove this',
        ),
        (
            {
                "stages": "lead: {title: Lead}\nsql: {title: SQL, back: {to: [lead], by: [import]}}\n"
                "customer: {title: Customer}\n"
            },
            f'{STAGES}:2:19: sales gives leads back to "lead" (config/sla.yaml); '
            "let it, under by and to",
        ),
        (
            {
                "stages": "lead: {title: Lead}\nsql: {title: SQL, after: [customer]}\n"
                "customer: {title: Customer}\n"
            },
            f'{STAGES}:2:27: "customer" is not below "sql"; name lower stages',
        ),
    ],
)
def test_what_is_wrong_with_grades_personas_and_ways_between_stages(
    files: dict[str, str], finding: str
) -> None:
    assert finding in said(**files)


GRADED = (
    "lead: {title: Lead}\n"
    """sql: {title: SQL, when: 'stage == "lead" && score.grade in ["A1", "A2"]'}\n"""
    "customer: {title: Customer}\n"
)


def test_a_grade_is_asked_for_only_where_leads_get_one() -> None:
    """It would never hold: nobody would ever be qualified."""
    finding = f"{STAGES}:2:45: no lead gets a grade; add grades to config/scoring.yaml"
    goal = FLOW + 'goal: score.grade.startsWith("A")\n'
    assert finding in said(stages=GRADED)
    assert finding in said(stages=GRADED, scoring="fit: {}\n")
    assert finding.replace(f"{STAGES}:2:45", f"{LAUNCH}:6:7") in said(flow=goal)
    grades = "grades: {fit: [30, 20, 10], engagement: [30, 20, 10]}\n"
    assert said(stages=GRADED, flow=goal, scoring=grades) == []
    unreadable = said(stages=GRADED, scoring="grades: [\n")
    assert not any("no lead gets a grade" in each for each in unreadable)


NEWSLETTER = (
    "news: {fields: {mail: email}, consent: {box: email_marketing}, double_opt_in: true, "
    "wording: Mails}\n"
)
ASKS = FLOW.replace("form_submitted", "consent_requested")


def test_a_double_opt_in_needs_a_flow_that_asks_without_consent() -> None:
    finding = (
        f"{FORMS}:1:79: no live flow enters on consent_requested; "
        "write one: transactional: true, with a mail that has {{ confirm_url }}"
    )
    assert finding in said(forms=NEWSLETTER)
    assert finding in said(forms=NEWSLETTER, flow=ASKS)
    assert said(forms=NEWSLETTER, flow=ASKS + "transactional: true\n") == []


@pytest.mark.parametrize("url", UNCALLABLE[1:])  # the first never was readable
def test_an_address_in_force_that_nobody_can_call_stays_readable(url: str) -> None:
    files = SMALL | {"config/webhooks.yaml": f'crm: {{title: CRM, url: "{url}"}}\n'}
    assert compile_playbook(files, kept=True).webhooks == {"crm": url}


@pytest.mark.parametrize("url", ["https://crm:8443/in", "http://[::1]:80/", "https://ærø.example"])
def test_an_address_may_have_a_port_a_number_or_letters_of_any_language(url: str) -> None:
    assert said(webhooks=f'crm: {{title: CRM, url: "{url}"}}\n') == []


def test_two_audiences_on_one_list_are_a_finding_but_one_in_force_stays_readable() -> None:
    texts = {
        "audiences": "warm: {title: Warm, platform: meta, external_id: '1'}\n"
        "ours: {title: Ours, platform: google, external_id: '1'}\n"
        "hot: {title: Hot, platform: meta, external_id: '1'}\n"
    }
    assert said(**texts) == [
        'config/audiences.yaml:3:48: "warm" is kept on this list already; give each one its own'
    ]
    files = SMALL | {"config/audiences.yaml": texts["audiences"]}
    assert len(compile_playbook(files, kept=True).audiences) == 3


def test_nobody_agrees_to_a_box_whose_text_is_not_known() -> None:
    form = "news: {fields: {mail: email}, consent: {a: email_marketing, b: ad_audiences}%s}\n"
    told = [
        "nobody knows the text beside the box a; add it as wording: it is the proof of what was agreed to",
        "nobody knows the text beside the box b; add it as wording: it is the proof of what was agreed to",
    ]
    assert [line.partition(": ")[2] for line in said(forms=form % "")] == told
    assert [
        line.partition(": ")[2] for line in said(forms=form % ", wording: {a: Mails, c: C}")
    ] == [
        told[1],
        "c is no box of consent; take it out",
    ]
    assert said(forms=form % ", wording: Mails and ads") == []
    assert said(forms=form % ", wording: {a: 5, b: Ads}") == [
        f'{FORMS}:1:92: "a" should be text, not 5'
    ]
    book = compile_playbook(SMALL | {FORMS: form % ", wording: {a: Mails, b: Ads}"})
    assert book.forms["news"].wording == {"a": "Mails", "b": "Ads"}


def test_a_double_opt_in_needs_a_consent() -> None:
    found = said(forms="news: {fields: {mail: email}, double_opt_in: true}\n")
    assert f"{FORMS}:1:46: there is no consent to confirm; add one, or leave it out" in found
