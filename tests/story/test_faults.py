"""The drill in short: each part fails, and an independent look at the receiving ends finds all of it done."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.faults import Drill, checker, drill, run
from bench.faults.checker import CREATED, ESCALATED, Ends, Mail, Notice
from bench.faults.door import JUMP
from bench.faults.plan import Outage
from workflows import policies

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = 10.0
"""Seconds that a day of the playbook lasts in the invented ends below."""


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_through_every_fault_nothing_is_lost_and_nothing_is_sent_twice_unseen(
    tmp_path: Path,
) -> None:
    wish = Drill(leads=12, day=3.0, arrive=4, faults=9, seed=53, sqlite=True, patience=240)
    outcome = await run(tmp_path, wish)
    verdict = outcome.verdict
    assert {"worker", "server", "temporal", "smtp", "clock"} <= {o.part for o in outcome.outages}
    assert (verdict.lost, verdict.doubled, verdict.disordered) == ([], [], [])
    # An attempt that died with its worker is begun again once it has been silent for so long.
    excused = policies.HEARTBEAT.total_seconds() + JUMP + 30
    assert not [each for each in verdict.deadlines if each.beyond > excused]


def notice(kind: str, who: str, at: datetime) -> Notice:
    return Notice(kind, f"h-{who}", who, at, at)


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
    return Ends(mails, notices, leads, frozenset())


def test_the_checker_is_content_with_what_the_drill_demands() -> None:
    verdict = checker.judge(2, ends(), DAY)
    assert verdict.clean
    assert {each.late for each in verdict.deadlines} == {0.0}


def test_the_checker_misses_a_mail_unless_it_is_reported_as_unknown() -> None:
    whole = ends()
    short = Ends(whole.mails[1:], whole.notices, 2, frozenset())
    assert checker.judge(2, short, DAY).lost == ["first to lead0@drill.example"]
    known = Ends(whole.mails[1:], whole.notices, 2, frozenset({(drill.address(0), "first")}))
    assert checker.judge(2, known, DAY).clean


def test_the_checker_finds_a_mail_that_came_twice_even_if_it_is_reported() -> None:
    whole = ends()
    reported = frozenset({(drill.address(0), "first")})
    twice = Ends([*whole.mails, whole.mails[0]], whole.notices, 2, reported)
    assert checker.judge(2, twice, DAY).doubled == ["first to lead0@drill.example"]


def test_the_checker_finds_what_sales_was_told_twice_or_in_the_wrong_order() -> None:
    whole = ends()
    twice = Ends(whole.mails, [*whole.notices, whole.notices[0]], 2, frozenset())
    assert checker.judge(2, twice, DAY).doubled
    backwards = Ends(whole.mails, whole.notices[::-1], 2, frozenset())
    assert checker.judge(2, backwards, DAY).disordered


def test_the_checker_says_how_much_later_a_deadline_fired_than_what_was_away_explains() -> None:
    whole = ends(1)
    *others, last = whole.notices
    late = notice(last.kind, last.email, last.at + timedelta(seconds=7))
    away = Outage("worker", last.at - timedelta(seconds=2), last.at + timedelta(seconds=4))
    verdict = checker.judge(1, Ends(whole.mails, [*others, late], 1, frozenset()), DAY, [away])
    escalation = verdict.deadlines[-1]
    assert (escalation.late, escalation.away, escalation.beyond) == (7, 4, 3)
    assert not escalation.calm


def test_a_deadline_long_after_an_outage_has_no_excuse() -> None:
    long_ago = Outage("worker", NOW - timedelta(minutes=3), NOW - timedelta(minutes=2))
    assert all(each.calm for each in checker.judge(1, ends(1), DAY, [long_ago]).deadlines)
