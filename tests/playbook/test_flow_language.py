"""What the words of a flow mean to the core."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain import topics
from nurture.domain.calendar import Span
from nurture.domain.edits import adopt
from nurture.domain.effects import CallWebhook, CreateTask, RefuseMail, SendMail
from nurture.domain.flow import (
    Act,
    Cursor,
    Email,
    End,
    Flow,
    InFlight,
    Paused,
    Split,
    Wait,
    WaitFor,
    WaitUntil,
    advance,
)
from nurture.playbook import Playbook
from nurture.playbook.compiler import check, compile_playbook
from tests.support.domain import DAY, NOW, facts, lead
from tests.support.small import FLOW, LAUNCH, SMALL, TRAITS

DATED = {TRAITS: SMALL[TRAITS] + "trial_ends: date\n"}


def book(flow: str, **more: str) -> Playbook:
    webhooks = {"config/webhooks.yaml": "crm: {title: CRM, url: 'https://crm.example/hook'}\n"}
    return compile_playbook({**SMALL, **DATED, **webhooks, LAUNCH: flow})


def steps(text: str, head: str = "") -> Flow:
    return book(FLOW.replace("  - email: welcome\n", text) + head).flows["launch"]


def test_a_wait_ends_on_a_date() -> None:
    flow = steps("  - wait: {until: 2026-12-01 09:00, after: 2 days}\n")
    assert flow.steps["wait-after-start"] == WaitUntil(
        date=datetime(2026, 12, 1, 9), offset=2 * DAY
    )


def test_a_wait_ends_before_a_date_of_the_lead_and_else_is_for_those_without_one() -> None:
    text = "  - wait: {until: trial_ends, before: 7 days}\n    else: [{tag: {add: no-trial}}]\n"
    flow = steps(text)
    wait = flow.steps["wait-after-start"]
    assert isinstance(wait, WaitUntil)
    assert (wait.trait, wait.offset, wait.otherwise) == ("trial_ends", -7 * DAY, "tag-no-trial")


def test_a_wait_ends_when_the_send_window_opens() -> None:
    window = 'send_window: {days: mon-fri, hours: "08:00-16:30", timezone: lead}\n'
    wait = steps("  - wait: {until: window, at_least: 1 day}\n", window).steps["wait-after-start"]
    assert isinstance(wait, Wait)
    assert wait.span == Span(DAY)
    assert wait.window is not None
    assert wait.window_in_lead_zone


def test_each_persona_gets_its_mail() -> None:
    flow = steps("  - email: {default: welcome}\n")
    assert flow.steps == {"welcome": Email("welcome")}
    varied = Email("welcome", variants={"boss": "short"})
    assert (varied.for_persona("boss"), varied.for_persona(None)) == ("short", "welcome")


def test_a_task_with_a_time_waits_until_it_is_done_or_overdue() -> None:
    text = (
        "  - task: {kind: call, to: sales, title: Call, within: 2 days}\n    id: call\n"
        "    then: [{tag: {add: called}}]\n    else: [{tag: {add: forgotten}}]\n"
    )
    flow = steps(text)
    task = CreateTask("call", "call", "sales", "Call", Span(2 * DAY))
    assert flow.steps["call"] == Act(task, "call-done")
    assert flow.steps["call-done"] == WaitFor(
        Span(2 * DAY), "task_done", "call", then="tag-called", otherwise="tag-forgotten"
    )


def test_a_branch_may_ask_how_long_the_lead_is_in_the_flow() -> None:
    text = (
        "  - branch:\n      - if: now > enrolment.entered.plus('20 days')\n"
        "        do: [{tag: {add: late}}]\n    else: [{tag: {add: early}}]\n"
    )
    flow = steps(text)
    for days, step in ((21, "tag-late"), (19, "tag-early")):
        cursor = Cursor(flow.first, NOW, entered=NOW - days * DAY)
        assert advance(flow, cursor, facts(), NOW).cursor.step == step


def test_who_enters_has_no_enrolment_yet() -> None:
    files = {
        **SMALL,
        LAUNCH: FLOW.replace("form_submitted}", "page, when: enrolment.entered < now}"),
    }
    assert [str(finding) for finding in check(files)] == [
        f'{LAUNCH}:3:25: unknown name "enrolment.entered"; '
        "only the conditions in a flow know its enrolment"
    ]


def test_a_webhook_is_told_by_name() -> None:
    flow = steps("  - webhook: crm\n")
    assert flow.steps["tell-crm"] == Act(CallWebhook("tell-crm", "crm"))
    assert book(FLOW).webhooks == {"crm": "https://crm.example/hook"}


def test_a_share_that_is_held_out_gets_nothing() -> None:
    flow = steps(
        "  - split: [{weight: 9, do: []}, {weight: 1, holdout: true}]\n  - email: welcome\n"
    )
    split = flow.steps["split-after-start"]
    assert isinstance(split, Split)
    assert split.arms == ((9, "welcome"), (1, "split-after-start-holdout"))
    assert flow.steps["split-after-start-holdout"] == End("holdout")


def test_who_enters_on_a_date_waits_for_it_and_is_asked_again_then() -> None:
    enter = "{on: date, date: {trait: trial_ends, before: 7 days}, when: stage == 'lead'}"
    playbook = book(FLOW.replace("{on: form_submitted}", enter))
    flow, entry = playbook.flows["launch"], playbook.entries["launch"]
    assert entry.on == {topics.LEAD}
    assert flow.first == "entry-date"
    known = facts(who=lead(traits={"trial_ends": (NOW + 20 * DAY).isoformat()}))
    at_entry = advance(flow, Cursor("entry-date", NOW), known, NOW)
    assert at_entry.wake_at == NOW + 13 * DAY
    later = NOW + 13 * DAY
    then = advance(flow, Cursor("entry-date", NOW), known, later)
    assert then.cursor.step == "entry-wanted"
    assert advance(flow, then.cursor, known, later).cursor.step == "welcome"


def test_a_flow_says_when_it_is_open_how_many_enter_a_day_and_what_becomes_of_edits() -> None:
    text = FLOW.replace(
        "form_submitted}",
        "form_submitted, a_day: 500, again: when it lapsed, when: stage == 'lead'}",
    )
    text += (
        "start: 2026-12-01\nend: 2026-12-24\npriority: 3\nin_flight: finish_old\nwas: [start-up]\n"
    )
    playbook = book(text)
    flow, entry = playbook.flows["launch"], playbook.entries["launch"]
    assert (entry.a_day, entry.lapse) == (500, True)
    assert entry.opens == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert entry.closes == datetime(2026, 12, 24, 23, tzinfo=UTC)
    assert flow.mail.priority == 3
    assert flow.in_flight is InFlight.FINISH_OLD
    assert flow.formerly == {"start-up"}


def test_a_step_keeps_its_leads_under_a_new_name() -> None:
    flow = steps("  - email: welcome\n    id: hello\n    was: welcome\n")
    assert flow.names_of("hello") == {"hello", "welcome"}


def _everything_behind(mail: str) -> str:
    """Steps whose names are made of that mail's, and of one another's."""
    return f"""\
{mail}  - wait: 1 day
  - wait: 2 days
  - wait_for: {{touch: clicked, of: hello, within: 1 day}}
    else:
      - branch:
          - if: stage == 'lead'
            do: [wait: 3 days]
        else: [wait: 4 days]
  - tag: {{add: a}}
    id: again
  - split:
      - {{weight: 1, do: [wait: 5 days]}}
      - {{weight: 1, do: []}}
  - task: {{kind: call, to: sales, title: Call, within: 1 day}}
    id: ring
    was: call
    else: [wait: 6 days]
"""


def test_names_that_are_made_of_a_renamed_steps_follow_it() -> None:
    flow = steps(_everything_behind("  - email: welcome\n    id: hello\n    was: [hi, welcome]\n"))
    assert {
        name: sorted(flow.names_of(name) - {name})
        for name in flow.steps
        if len(flow.names_of(name)) > 1
    } == {
        "hello": ["hi", "welcome"],
        "wait-after-hello": ["wait-after-hi", "wait-after-welcome"],
        "wait-after-wait-after-hello": [
            "wait-after-wait-after-hi",
            "wait-after-wait-after-welcome",
        ],
        "wait-for-clicked-hello": ["wait-for-clicked-hi", "wait-for-clicked-welcome"],
        "branch-after-wait-for-clicked-hello-else": [
            "branch-after-wait-for-clicked-hi-else",
            "branch-after-wait-for-clicked-welcome-else",
        ],
        "wait-after-branch-after-wait-for-clicked-hello-else-1": [
            "wait-after-branch-after-wait-for-clicked-hi-else-1",
            "wait-after-branch-after-wait-for-clicked-welcome-else-1",
        ],
        "wait-after-branch-after-wait-for-clicked-hello-else-else": [
            "wait-after-branch-after-wait-for-clicked-hi-else-else",
            "wait-after-branch-after-wait-for-clicked-welcome-else-else",
        ],
        "ring": ["call"],
        "ring-done": ["call-done"],
        "wait-after-ring-else": ["wait-after-call-else"],
    }


def test_a_split_behind_a_renamed_step_follows_it_with_its_shares() -> None:
    renamed = "  - email: welcome\n    id: hello\n    was: welcome\n"
    split = (
        "  - split:\n      - {weight: 1, do: [wait: 5 days]}\n      - {weight: 1, holdout: true}\n"
    )
    assert steps(renamed + split).was == {
        "welcome": "hello",
        "split-after-welcome": "split-after-hello",
        "split-after-welcome-holdout": "split-after-hello-holdout",
        "wait-after-split-after-welcome-1": "wait-after-split-after-hello-1",
    }


def test_what_the_author_says_of_a_name_goes_before_what_follows_from_another() -> None:
    renamed = "  - email: welcome\n    id: hello\n    was: welcome\n  - wait: 1 day\n"
    taken = "  - wait: 2 days\n    id: wait-after-welcome\n"
    assert steps(renamed + taken).was == {"welcome": "hello"}
    said = "  - wait: 2 days\n    id: rest\n    was: wait-after-welcome\n"
    assert steps(renamed + said).was == {"welcome": "hello", "wait-after-welcome": "rest"}


@pytest.mark.parametrize("change", ["title: Other\n", "in_flight: exit\n", "live: false\n"])
def test_what_changes_nothing_for_those_inside_keeps_the_revision(change: str) -> None:
    changed = FLOW.replace("title: Launch\n", "") if change.startswith("title") else FLOW
    assert book(changed + change).flows["launch"].revision == book(FLOW).flows["launch"].revision


SHARES = (
    "  - split:\n      - {{weight: {}, do: [email: welcome]}}\n      - {{weight: {}, do: []}}\n"
)
LEADS, ESCAPED = "stage == 'lead'", r"r'\\x41' == lead.country"
ASKED = f'  - wait_for: {{when: "{LEADS}", within: 1 day}}\n    id: asked\n'
TWO = (
    "  - email: welcome\n  - email: welcome\n    id: again\n"
    "  - wait_for: {{touch: clicked, of: {}, within: 1 day}}\n    id: answer\n"
)
SAME = {
    "durations": ("  - wait: 7 days\n", "  - wait: 1w\n"),
    "shares": (SHARES.format(1, 3), SHARES.format(50, 150)),
    "defaults": (ASKED, ASKED + "    then: []\n    else: []\n    was: []\n"),
    "its own name": ("  - email: welcome\n", "  - email: welcome\n    id: welcome\n"),
    "an earlier name": ("  - email: welcome\n", "  - email: welcome\n    was: hi\n"),
    "a mail for every persona": ("  - email: welcome\n", "  - email: {default: welcome}\n"),
    "conditions": (ASKED, ASKED.replace(f'"{LEADS}"', "'stage==\"lead\"'")),
    "comments and the order of keys": (
        "  - wait_for: {touch: clicked, within: 2 days}\n    id: a\n",
        "  - id: a  # as before\n    wait_for:\n      within: 48h\n      touch: clicked\n",
    ),
}
HEADS = {
    "defaults": ("", "priority: 0\nconsent: email_marketing\ntransactional: false\nexit: []\n"),
    "the order of exits": ("exit: [A, B]\n", "exit: [B, A]\n"),
    "a send window": (
        'send_window: {days: mon-wed, hours: "08:00-24:00", holidays: DK}\n',
        'send_window: {hours: "08:00-24:00", holidays: DK, days: "mon, tue-wed"}\n',
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_the_same_steps_in_other_words_are_no_edit(one: str, other: str) -> None:
    first, second = steps(one), steps(other)
    assert (first.revision, first.outline) == (second.revision, second.outline)


@pytest.mark.parametrize(("one", "other"), HEADS.values(), ids=HEADS)
def test_nor_is_what_else_a_flow_says_in_other_words(one: str, other: str) -> None:
    first, second = (
        book(FLOW + head.replace("A", "stage == 'lead'").replace("B", "stage == 'sql'"))
        for head in (one, other)
    )
    assert first.flows["launch"].revision == second.flows["launch"].revision


def test_who_waits_for_its_date_notices_when_the_flow_no_longer_enters_on_one() -> None:
    dated = "{{on: date, date: {{trait: trial_ends, before: {} days}}}}"
    week, day, other = (
        book(FLOW.replace("{on: form_submitted}", enter)).flows["launch"]
        for enter in (dated.format(7), dated.format(1), "{on: page}")
    )
    assert week.revision == day.revision
    assert week.revision != other.revision
    assert week.outline != other.outline
    assert adopt(week, other, Cursor("entry-date", NOW), NOW) == Cursor("welcome", NOW)


OTHERWISE = {
    "shares": (SHARES.format(1, 3), SHARES.format(1, 2)),
    "a condition": (ASKED, ASKED.replace("lead", "sql")),
    "what is escaped": (
        ASKED.replace(LEADS, ESCAPED),
        ASKED.replace(LEADS, ESCAPED.replace("r", "", 1)),
    ),
    "a step before it": ("  - email: welcome\n", "  - tag: {add: a}\n  - email: welcome\n"),
    "the mail whose click is waited for": (TWO.format("welcome"), TWO.format("again")),
}


@pytest.mark.parametrize(("one", "other"), OTHERWISE.values(), ids=OTHERWISE)
def test_what_a_lead_would_notice_is_an_edit(one: str, other: str) -> None:
    first, second = steps(one), steps(other)
    assert first.revision != second.revision
    assert first.outline != second.outline


def test_another_wait_is_another_revision() -> None:
    one, other = steps("  - wait: 1 day\n"), steps("  - wait: 2 days\n")
    assert one.revision != other.revision


def test_a_held_flow_keeps_its_leads_where_they_are() -> None:
    flow = steps("  - email: welcome\n", "paused: hold\n")
    assert flow.paused is Paused.HOLD
    move = advance(flow, Cursor("welcome", NOW), facts(), NOW)
    assert move.sleeps
    assert (move.cursor.step, move.effect, move.why) == ("welcome", None, "paused")


def test_a_flow_that_skips_lets_its_mails_and_tasks_fall_away() -> None:
    flow = steps("  - email: welcome\n  - webhook: crm\n", "paused: skip\n")
    move = advance(flow, Cursor("welcome", NOW), facts(), NOW)
    assert move.effect == RefuseMail("welcome", "welcome", "paused")
    assert advance(flow, move.cursor, facts(), NOW).effect is None


def test_nobody_starts_before_its_turn() -> None:
    flow = steps("  - email: welcome\n")
    turn = NOW + timedelta(hours=3)
    cursor = Cursor("welcome", turn, turn)
    assert advance(flow, cursor, facts(), NOW).wake_at == turn
    assert advance(flow, cursor, facts(), turn).effect == SendMail("welcome", "welcome")
