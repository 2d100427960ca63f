"""What a written flow becomes: stable step ids, the graph, windows, and the same at a pace."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.calendar import ALWAYS, Span
from nurture.domain.errors import PlaybookError
from nurture.domain.flow import (
    Act,
    Branch,
    ChangeAudience,
    Email,
    Goto,
    HandOver,
    Split,
    Wait,
    WaitFor,
)
from nurture.domain.gate import MAX_HOLD
from nurture.domain.lead import Touch
from nurture.domain.scoring import entries
from nurture.playbook import Playbook
from nurture.playbook.compiler import check, compile_playbook
from nurture.playbook.source import content_hash

WELCOME = "config/flows/welcome.yaml"
HEAD = """\
flow: welcome
title: Welcome
enter: {on: [form_submitted, stage], stage: lead, when: lead.country == "India", again: after 9 days}
send_window: {days: mon-fri, hours: "08:00-16:30", timezone: lead, holidays: DK}
"""
STEPS = """\
steps:
  - email: welcome
  - wait: 3 days
  - wait_for: {touch: clicked, of: welcome, within: 2 business days}
    then:
      - email: course-guide
      - end
    else:
      - audience: {add: hesitating-leads}
      - wait: 8 business hours
  - branch:
      - if: score.total > 3
        do:
          - handover: {reason: enough points}
    else:
      - split:
          - weight: 1
            do: [{goto: win-back}]
          - weight: 3
            do: []
  - email: reminder
"""


def compiled(shipped: Mapping[str, str], steps: str = STEPS, pace: str = "") -> Playbook:
    return compile_playbook({**shipped, WELCOME: HEAD + steps}, pace)


def test_what_a_later_release_finds_fault_with_does_not_stop_a_playbook_in_force(
    shipped: dict[str, str],
) -> None:
    grades = "grades:\n  fit: [35, 20, 10]\n  engagement: [40, 20, 8]\n"
    edits = {
        "config/scoring.yaml": (grades, ""),
        "config/stages.yaml": ("score.total >= 65", 'score.grade == "A1"'),
        "config/company.yaml": ("touches: 800 days", "touches: 100 days"),
        "config/forms.yaml": ("  wording: Yes, X Education may", "  redirect: https://x.example/?"),
    }
    old = {**shipped, **{file: shipped[file].replace(*edit) for file, edit in edits.items()}}
    kept = compile_playbook(old, kept=True)
    assert kept.hash == content_hash(old)
    assert kept.forms["newsletter"].wording == {"agree": ""}
    with pytest.raises(PlaybookError) as error:
        compile_playbook(old)
    assert {finding.file for finding in error.value.findings} >= {
        "config/stages.yaml",
        "config/company.yaml",
        "config/forms.yaml",
    }


def test_nested_lists_become_a_graph_whose_ends_meet(shipped: dict[str, str]) -> None:
    flow = compiled(shipped).flows["welcome"]
    assert flow.first == "welcome"
    condition = flow.steps["branch-after-wait-for-clicked-welcome"]
    assert isinstance(condition, Branch)
    assert flow.steps == {
        "welcome": Email("welcome", "wait-after-welcome"),
        "wait-after-welcome": Wait(Span(timedelta(days=3)), next="wait-for-clicked-welcome"),
        "wait-for-clicked-welcome": WaitFor(
            within=Span(business_days=2),
            touch="clicked",
            of="welcome",
            then="course-guide",
            otherwise="add-to-hesitating-leads",
        ),
        "course-guide": Email("course-guide", None),
        "add-to-hesitating-leads": Act(
            ChangeAudience("hesitating-leads", add=True), "wait-after-add-to-hesitating-leads"
        ),
        "wait-after-add-to-hesitating-leads": Wait(
            Span(open_time=timedelta(hours=8)), next="branch-after-wait-for-clicked-welcome"
        ),
        "branch-after-wait-for-clicked-welcome": Branch(
            ((condition.arms[0][0], "handover"),),
            "split-after-branch-after-wait-for-clicked-welcome-else",
        ),
        "handover": Act(HandOver("enough points"), "reminder"),
        "split-after-branch-after-wait-for-clicked-welcome-else": Split(
            ((1, "goto-win-back"), (3, "reminder"))
        ),
        "goto-win-back": Goto("win-back"),
        "reminder": Email("reminder", None),
    }


@pytest.mark.parametrize(
    ("old", "new", "gone", "come"),
    [
        ("3 days", "5 days", set(), set()),
        ("      - wait: 8 business hours\n", "", {"wait-after-add-to-hesitating-leads"}, set()),
        (
            "  - email: reminder\n",
            "  - email: reminder\n  - email: comeback\n",
            set(),
            {"comeback"},
        ),
        (
            "  - wait: 3 days\n",
            "  - wait: 3 days\n  - tag: {add: new}\n",
            set(),
            {"tag-new"},
        ),
        (
            "  - wait: 3 days\n",
            "  - wait: 3 days\n    id: rest\n",
            {"wait-after-welcome"},
            {"rest"},
        ),
    ],
)
def test_an_edit_changes_the_ids_of_no_other_step(
    shipped: dict[str, str], old: str, new: str, gone: set[str], come: set[str]
) -> None:
    before = set(compiled(shipped).flows["welcome"].steps)
    after = set(compiled(shipped, STEPS.replace(old, new)).flows["welcome"].steps)
    assert (before - after, after - before) == (gone, come)


def test_who_may_enter_is_compiled(shipped: dict[str, str]) -> None:
    entry = compiled(shipped).entries["welcome"]
    assert entry.on == {"touch:form_submitted", "stage"}
    assert entry.stage == "lead"
    assert entry.when is not None
    assert entry.when.source == 'lead.country == "India"'
    assert entry.again == Span(timedelta(days=9))


def test_a_flow_by_hand_is_triggered_by_nothing(shipped: dict[str, str]) -> None:
    assert compile_playbook(shipped).entries["win-back"].on == frozenset()


def test_the_send_window_knows_weekends_holidays_and_the_leads_zone(
    shipped: dict[str, str],
) -> None:
    rules = compiled(shipped).flows["welcome"].mail
    assert rules.window is not None
    assert rules.window_in_lead_zone
    assert rules.window.is_open(datetime(2026, 5, 4, 8, tzinfo=UTC))
    assert not rules.window.is_open(datetime(2026, 5, 2, 8, tzinfo=UTC)), "a Saturday"
    assert not rules.window.is_open(datetime(2026, 5, 14, 8, tzinfo=UTC)), "Ascension Day"
    assert not rules.window.is_open(datetime(2026, 5, 4, 15, tzinfo=UTC)), "17:00 in Copenhagen"


def test_business_days_of_a_flow_are_those_of_the_company(shipped: dict[str, str]) -> None:
    friday = datetime(2026, 5, 8, 10, tzinfo=UTC)
    flow = compiled(shipped).flows["welcome"]
    assert Span(business_days=2).after(friday, flow.calendar) == datetime(
        2026, 5, 12, 10, tzinfo=UTC
    )


def test_at_a_pace_every_duration_shrinks_and_nothing_is_ever_closed(
    shipped: dict[str, str],
) -> None:
    playbook = compiled(shipped, pace="1 day = 1 s")
    flow, second = playbook.flows["welcome"], timedelta(seconds=1)
    assert playbook.day == second
    assert flow.calendar == ALWAYS
    assert flow.mail.window is None
    assert flow.mail.max_hold == MAX_HOLD / 86_400
    assert flow.mail.cap is not None
    assert flow.mail.cap.within == 7 * second
    wait_for = flow.steps["wait-for-clicked-welcome"]
    assert isinstance(wait_for, WaitFor)
    assert wait_for.within == Span(2 * second)
    assert flow.steps["wait-after-add-to-hesitating-leads"] == Wait(
        Span(second), next="branch-after-wait-for-clicked-welcome"
    )
    assert playbook.entries["welcome"].again == Span(9 * second)
    assert playbook.handover.terms.contact_within == Span(2 * second)
    assert playbook.handover.terms.calendar == ALWAYS
    assert playbook.handover.cool_off == 30 * second
    assert playbook.promise.period == 30 * second
    assert playbook.audiences["hesitating-leads"].max_stay == 60 * second
    assert {rule.lasts for rule in playbook.scoring.engagement} == {
        n * second for n in (30, 45, 60, 90)
    }


def test_a_paced_playbook_has_the_hash_of_its_files(shipped: dict[str, str]) -> None:
    slow, fast = compile_playbook(shipped), compile_playbook(shipped, "1 day = 1 s")
    assert slow.hash == fast.hash == content_hash(shipped)


def test_the_shipped_playbook_is_without_findings(shipped: dict[str, str]) -> None:
    assert check(shipped) == []


def test_the_shipped_playbook_holds_what_the_company_agreed(shipped: dict[str, str]) -> None:
    playbook = compile_playbook(shipped)
    assert (playbook.promise.sqls, playbook.promise.customers) == (20, 5)
    assert (playbook.promise.average_revenue, playbook.promise.currency) == (40_000, "DKK")
    assert playbook.handover.terms.contact_within == Span(timedelta(hours=48))
    assert playbook.handover.terms.remind_at == (0.5, 0.8)
    assert playbook.handover.terms.recycle_to == "win-back"
    assert [stage.id for stage in playbook.lifecycle.stages] == [
        "visitor",
        "lead",
        "mql",
        "sql",
        "customer",
    ]
    assert playbook.teams["advisers"] == playbook.handover.team


@pytest.mark.parametrize(
    "leak", ["Tags", "Lead Quality", "Lead Profile", "Last Notable Activity", "Converted"]
)
def test_no_rule_of_the_shipped_playbook_knows_the_outcome(
    shipped: dict[str, str], leak: str
) -> None:
    playbook = compile_playbook(shipped)
    rules = [*playbook.personas, *playbook.scoring.fit, *playbook.lifecycle.stages]
    asked = " ".join(rule.when.source for rule in rules if rule.when)
    name = leak.lower().replace(" ", "_")
    assert f"lead.{name}" not in asked
    assert name not in playbook.traits


@pytest.mark.parametrize(
    ("minutes", "points"),
    [(0.99, 0), (1, 4), (3, 10), ("4.5", 10), (8, 20), ("many", 0), (None, 0)],
)
def test_the_time_on_the_website_earns_points_by_its_size(
    shipped: dict[str, str], minutes: object, points: int
) -> None:
    scoring = compile_playbook(shipped).scoring
    visit = Touch("1", "session_ended", datetime(2026, 5, 4, tzinfo=UTC), {"minutes": minutes})
    assert sum(entry.points for entry in entries(scoring, visit)) == points


def test_an_opened_mail_gives_no_points_in_the_playbook_that_comes_with_the_product(
    shipped: dict[str, str],
) -> None:
    """Machines open most of them."""
    scoring = compile_playbook(shipped).scoring
    about = {"message": "m", "template": "welcome"}
    opened = Touch("t", "opened", datetime(2026, 3, 2, tzinfo=UTC), about)
    assert list(entries(scoring, opened)) == []
