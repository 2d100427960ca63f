"""The drill in short, on PostgreSQL and on SQLite: each part fails, and an independent look at the receiving ends finds
all of it done.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.faults import Drill, checker, drill, run
from bench.faults.ends import CREATED, ESCALATED, Call, Ends, Mail, Notice
from bench.faults.lateness import CATCH_UP, ORDINARY, Deadline
from bench.faults.plan import Outage

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = 10.0
"""Seconds that a day of the playbook lasts in the invented ends below."""
EVERY_PART = {
    *("worker", "server", "temporal", "postgres", "disk", "clock"),
    *("smtp", "webhook", "storm", "crm", "ads"),
}
DRILL = Drill(leads=12, day=3.0, arrive=4, patience=240)
DRILLS = {
    "postgresql": replace(DRILL, faults=8, seed=9913),
    "sqlite": replace(DRILL, faults=5, seed=82674, sqlite=True, doors=1),
}
"""They share the faults, so that both take hardly longer than one with all of them: a worker and a server are killed
on each, every other part fails once. Two servers that hear of the same people cost two processes more: once is enough.
The ad platform, which is asked again after a minute, is away early in the one that has the more faults.
"""
BUSY = 15 * ORDINARY
"""All other tests have the machine, too, and it may be a slow one."""


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_through_every_fault_nothing_is_lost_doubled_unseen_or_late_without_a_reason(
    tmp_path: Path,
) -> None:
    failed = set[str]()
    for name, wish in DRILLS.items():
        outcome = await run(tmp_path / name, wish)
        verdict = outcome.verdict
        assert (verdict.lost, verdict.doubled, verdict.disordered) == ([], [], []), name
        assert (verdict.stray, verdict.doubted) == ([], []), name
        assert verdict.early() == [], name
        assert verdict.unexplained(BUSY) == [], name
        kinds = {outage.kind for outage in outcome.outages}
        assert {"worker", "server"} <= kinds, name
        failed |= kinds
    assert failed | {"disk"} == EVERY_PART  # a small disk takes an administrator


def notice(kind: str, who: str, at: datetime) -> Notice:
    return Notice(kind, f"h-{who}", who, at, at)


def call(flow: str, who: str, at: datetime) -> Call:
    return Call(f"{flow}-{who}", flow, who, at)


def ends(leads: int = 2) -> Ends:
    """As they are when everything went well."""
    people = [drill.address(n) for n in range(leads)]
    mails = [
        Mail(who, step, NOW + timedelta(seconds=DAY * n))
        for who in people
        for n, step in enumerate(drill.MAILS)
    ]
    notices = [
        notice(kind, who, NOW + timedelta(seconds=DAY * day))
        for who in people
        for kind, day in ((CREATED, 2), (ESCALATED, 4))
    ]
    members = [drill.member(who) for who in people]
    guests = [drill.guest(n) for n in range(drill.guests(leads))]
    mails += [Mail(who, drill.NEWS, NOW) for who in guests]
    calls = [
        *(call("drill", who, NOW + timedelta(seconds=DAY)) for who in people),
        *(call("guests", who, NOW) for who in guests),
    ]
    return Ends(mails, notices, calls, members, {}, dict.fromkeys(people, drill.PAGES))


KILLED = Outage("worker-1", NOW + timedelta(seconds=0.1), NOW + timedelta(seconds=4))
"""Just after the first mail was claimed."""
LONG_AGO = Outage("worker-1", NOW - timedelta(minutes=3), NOW - timedelta(minutes=2))


def test_the_checker_is_content_with_what_the_drill_demands() -> None:
    verdict = checker.judge(2, ends(), DAY)
    assert verdict.clean
    assert {each.late for each in verdict.deadlines} == {0.0}


def test_the_checker_misses_a_mail_unless_it_is_reported_as_unknown() -> None:
    whole = ends()
    short = replace(whole, mails=whole.mails[1:])
    assert checker.judge(2, short, DAY).lost == ["first to lead0@drill.example"]
    known = replace(short, unknown={(drill.address(0), "first"): NOW})
    assert checker.judge(2, known, DAY, [KILLED]).clean


@pytest.mark.parametrize("outages", [[], [replace(KILLED, part="webhook")], [LONG_AGO]])
def test_a_mail_is_reported_as_unknown_only_if_something_was_away_while_it_was_sent(
    outages: Sequence[Outage],
) -> None:
    mails = [(drill.address(n), step) for n in range(2) for step in drill.MAILS]
    theirs = [mail for mail in ends().mails if mail.subject == drill.NEWS]
    silent = replace(ends(), mails=theirs, unknown=dict.fromkeys(mails, NOW))
    verdict = checker.judge(2, silent, DAY, outages)
    assert not verdict.clean
    assert len(verdict.doubted) == len(verdict.lost) == len(mails)


def test_the_checker_finds_mails_that_did_not_wait_for_their_day() -> None:
    at_once = replace(ends(1), mails=[replace(mail, at=NOW) for mail in ends(1).mails])
    early = checker.judge(1, at_once, DAY).early()
    assert [each.what for each in early] == [
        "second to lead0@drill.example",
        "third to lead0@drill.example",
    ]
    assert {each.late for each in early} == {-DAY}


def test_no_outage_makes_a_mail_come_before_its_day() -> None:
    at_once = replace(ends(1), mails=[replace(mail, at=NOW) for mail in ends(1).mails])
    outages = [KILLED, replace(KILLED, part="clock")]
    assert len(checker.judge(1, at_once, DAY, outages).early()) == 2


def test_the_checker_finds_an_escalation_in_the_moment_that_sales_was_told() -> None:
    assert escalated(-2 * DAY).late == -2 * DAY
    assert [each.what for each in checker.judge(1, told(-2 * DAY), DAY).early()] == [
        "escalation of lead0@drill.example"
    ]
    assert checker.judge(1, told(-ORDINARY), DAY).early() == []


def test_the_checker_finds_a_handover_before_the_last_mail() -> None:
    whole = ends(1)
    opened = replace(whole.notices[0], at=NOW, happened=NOW)
    hasty = replace(whole, notices=[opened, whole.notices[1]])
    assert "handover of lead0@drill.example" in {
        each.what for each in checker.judge(1, hasty, DAY).early()
    }


def test_the_checker_finds_what_came_to_strangers_and_what_the_playbook_does_not_have() -> None:
    whole, who = ends(), "anna@elsewhere.example"
    mails = [Mail(who, "first", NOW), Mail(drill.address(0), "Hello {{ name }}", NOW)]
    notices = [notice(CREATED, who, NOW), notice("lead.handover.lost", drill.address(1), NOW)]
    members = [*whole.members, drill.member(who)]
    more = replace(
        whole,
        mails=[*whole.mails, *mails],
        notices=[*whole.notices, *notices],
        members=members,
    )
    assert checker.judge(2, more, DAY).stray == [
        "first to anna@elsewhere.example",
        "handover of anna@elsewhere.example",
        f"membership of {drill.member(who)}",
        "'Hello {{ name }}' to lead0@drill.example",
        "lead.handover.lost lead1@drill.example",
    ]


def test_somebody_else_in_a_leads_place_on_the_audience_is_no_member_of_it() -> None:
    other = drill.member("anna@elsewhere.example")
    swapped = replace(ends(), members=[drill.member(drill.address(0)), other])
    verdict = checker.judge(2, swapped, DAY)
    assert verdict.lost == ["membership of lead1@drill.example"]
    assert verdict.stray == [f"membership of {other}"]


def test_the_checker_finds_a_mail_that_came_twice_even_if_it_is_reported() -> None:
    whole = ends()
    reported = {(drill.address(0), "first"): NOW}
    twice = replace(whole, mails=[*whole.mails, whole.mails[0]], unknown=reported)
    assert checker.judge(2, twice, DAY).doubled == ["first to lead0@drill.example"]


def test_the_checker_finds_what_sales_was_told_twice_or_in_the_wrong_order() -> None:
    whole = ends()
    twice = replace(whole, notices=[*whole.notices, whole.notices[0]])
    assert checker.judge(2, twice, DAY).doubled
    backwards = replace(whole, notices=whole.notices[::-1])
    assert checker.judge(2, backwards, DAY).disordered


def test_the_checker_misses_a_call_and_a_guests_mail_and_finds_calls_that_nobody_should_get() -> (
    None
):
    whole, guest = ends(), drill.guest(0)
    calls = [
        *whole.calls[1:-1],
        call("drill", guest, NOW),
        call("guests", "anna@elsewhere.example", NOW),
        call("welcome", drill.address(0), NOW),
    ]
    short = replace(whole, mails=whole.mails[:-1], calls=calls)
    verdict = checker.judge(2, short, DAY)
    assert verdict.lost == [
        f"news to {guest}",
        "call for lead0@drill.example",
        f"call for {guest}",
    ]
    assert verdict.stray == [
        "call for anna@elsewhere.example",
        f"call for {guest}",
        "welcome lead0@drill.example",
    ]


def test_a_call_that_comes_again_under_its_key_is_told_and_under_another_one_is_a_duplicate() -> (
    None
):
    whole = ends()
    first = whole.calls[0]
    away = Outage("crm", first.at - timedelta(seconds=1), first.at + timedelta(seconds=1))
    repeated = replace(whole, calls=[*whole.calls, first])
    verdict = checker.judge(2, repeated, DAY, [away])
    assert (verdict.clean, verdict.again) == (True, 1)
    for outages in ([], [replace(away, part="webhook")]):
        doubted = checker.judge(2, repeated, DAY, outages)
        assert (doubted.clean, doubted.doubted) == (False, ["call for lead0@drill.example"])
    other = replace(whole, calls=[*whole.calls, replace(first, id="another")])
    verdict = checker.judge(2, other, DAY, [away])
    assert (verdict.doubled, verdict.again) == (["call for lead0@drill.example"], 0)


@pytest.mark.parametrize(
    ("part", "reason"), [("crm", True), ("worker-1", True), ("webhook", False), ("ads", False)]
)
def test_a_call_is_due_at_once_after_its_mail_and_late_only_if_what_it_needs_was_away(
    part: str, reason: bool
) -> None:
    whole = ends(1)
    mailed = whole.calls[0].at
    late = replace(whole.calls[0], at=mailed + timedelta(seconds=9))
    ends_ = replace(whole, calls=[late, whole.calls[1]])
    away = Outage(part, mailed - timedelta(seconds=1), mailed + timedelta(seconds=5))
    [unexplained] = checker.judge(1, ends_, DAY).unexplained()
    assert (unexplained.what, unexplained.late) == ("call for lead0@drill.example", 9)
    assert (checker.judge(1, ends_, DAY, [away]).unexplained() == []) is reason


def test_the_checker_finds_a_page_that_is_missing_and_one_that_is_kept_twice() -> None:
    one, other = drill.address(0), drill.address(1)
    verdict = checker.judge(2, replace(ends(), pages={one: 1, other: 3}), DAY)
    assert (verdict.lost, verdict.doubled) == ([f"page of {one}"], [f"page of {other}"])


def test_each_server_is_told_the_same_of_the_same_people_in_an_order_of_its_own() -> None:
    one, other = drill.mixed(range(4), random.Random(1))
    ids = [{message["messageId"] for message in batch} for batch in (one, other)]
    assert ids[0] == ids[1]
    assert len(ids[0]) == len(one) == 12
    assert one != other


def escalated(late: float, *outages: Outage) -> Deadline:
    """What the checker finds of a lead's escalation that came so many seconds late."""
    return checker.judge(1, told(late), DAY, outages).deadlines[-1]


def told(late: float) -> Ends:
    """A lead's ends, with its escalation so many seconds late."""
    whole = ends(1)
    *others, last = whole.notices
    then = notice(last.kind, last.email, last.at + timedelta(seconds=late))
    return replace(whole, notices=[*others, then])


DUE = NOW + timedelta(seconds=4 * DAY)
"""When that escalation is."""


def outage(part: str, began: float, ended: float) -> Outage:
    """So many seconds after it was due."""
    return Outage(part, DUE + timedelta(seconds=began), DUE + timedelta(seconds=ended))


def test_the_checker_says_how_much_later_a_deadline_fired_than_what_was_away_explains() -> None:
    found = escalated(7, outage("worker-2", -2, 4))
    assert (found.late, found.away, found.beyond) == (7, 4, 3)
    assert not found.calm
    assert found.explained(ORDINARY)


def test_an_outage_explains_itself_and_some_seconds_and_no_more() -> None:
    most = 4 + CATCH_UP + ORDINARY
    assert escalated(most, outage("postgres", -2, 4)).explained(ORDINARY)
    assert not escalated(most + 0.1, outage("postgres", -2, 4)).explained(ORDINARY)


@pytest.mark.parametrize("part", ["server-1", "ads", "clock"])
def test_what_a_deadline_does_not_need_explains_nothing(part: str) -> None:
    assert not escalated(ORDINARY + 0.1, outage(part, -2, 4)).explained(ORDINARY)


def test_what_was_away_long_before_or_only_afterwards_explains_nothing() -> None:
    outages = outage("worker-1", -60, -30), outage("temporal", 4, 9)
    assert not escalated(3, *outages).explained(ORDINARY)


def test_a_wait_begins_when_it_is_known_that_the_mail_before_it_came() -> None:
    whole, late = ends(1), timedelta(seconds=6)
    mails = [*whole.mails[:2], replace(whole.mails[2], at=whole.mails[2].at + late)]
    second = whole.mails[1].at
    away = Outage("worker-1", second + timedelta(seconds=0.1), second + timedelta(seconds=5))
    verdict = checker.judge(1, replace(whole, mails=mails), DAY, [away])
    third = next(each for each in verdict.deadlines if each.what.startswith("third"))
    assert third.beyond == pytest.approx(1.1)
    assert third.explained(ORDINARY)


def test_a_promise_to_sales_is_counted_from_when_temporal_could_know_of_it() -> None:
    opened = -2 * DAY  # seconds before it is due
    assert escalated(4, outage("temporal", opened + 0.5, opened + 3.5)).beyond == pytest.approx(1)
    assert escalated(4, outage("webhook", opened - 1, opened + 3)).beyond == 4


def test_a_deadline_long_after_an_outage_has_no_excuse() -> None:
    assert all(each.calm for each in checker.judge(1, ends(1), DAY, [LONG_AGO]).deadlines)
