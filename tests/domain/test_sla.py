"""The agreement's clock: what is due on a handover when, over pauses, holidays and changes of clocks."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nurture.domain.calendar import ALWAYS, Calendar, Span
from nurture.domain.sla import (
    ANSWERS,
    RUNNING,
    SALES_OWNED,
    Escalation,
    Kind,
    Pause,
    State,
    Terms,
    deadlines,
    due_at,
    due_now,
    kept,
)
from tests.support.domain import BERLIN, COPENHAGEN, DAY, HOUR, NOW, local

EASTER = frozenset(date(2026, 4, day) for day in (2, 3, 5, 6))
DESK = Calendar(zone=COPENHAGEN, holiday=EASTER.__contains__)

TERMS = Terms(
    contact_within=Span(open_time=8 * HOUR),
    calendar=DESK,
    escalations=(Escalation("Sales lead"), Escalation("Director", Span(open_time=4 * HOUR))),
    reassign_after=Span(open_time=4 * HOUR),
    recycle_after=Span(business_days=5),
    recycle_to="win-back",
)


def danish(text: str) -> datetime:
    return local(COPENHAGEN, text)


def test_everything_that_happens_on_a_lead_nobody_contacts() -> None:
    plan = deadlines(TERMS, danish("2026-03-31 15:00"))
    assert [(deadline.id, deadline.kind, deadline.at, deadline.to) for deadline in plan] == [
        ("remind-1", Kind.REMIND, danish("2026-04-01 11:00"), None),
        ("remind-2", Kind.REMIND, danish("2026-04-01 13:24"), None),
        ("escalate-1", Kind.ESCALATE, danish("2026-04-01 15:00"), "Sales lead"),
        ("escalate-2", Kind.ESCALATE, danish("2026-04-07 11:00"), "Director"),
        ("reassign", Kind.REASSIGN, danish("2026-04-07 11:00"), None),
        ("recycle", Kind.RECYCLE, danish("2026-04-13 15:00"), "win-back"),
    ]


@pytest.mark.parametrize(
    ("within", "opened", "due"),
    [
        (Span(48 * HOUR), "2026-03-28 12:00", "2026-03-30 13:00"),
        (Span(48 * HOUR), "2026-10-24 12:00", "2026-10-26 11:00"),
        (Span(open_time=8 * HOUR), "2026-03-27 13:00", "2026-03-30 13:00"),
        (Span(open_time=8 * HOUR), "2026-10-23 13:00", "2026-10-26 13:00"),
        (Span(business_days=2), "2026-04-01 12:00", "2026-04-08 12:00"),
        (Span(open_time=8 * HOUR), "2026-04-01 16:30", "2026-04-07 16:30"),
    ],
    ids=["spring, elapsed", "autumn, elapsed", "spring", "autumn", "Easter days", "Easter hours"],
)
def test_contact_is_due_by_the_clock_both_sides_accepted(
    within: Span, opened: str, due: str
) -> None:
    assert due_at(Terms(within, DESK), danish(opened)) == danish(due)


def test_the_owners_zone_decides_when_its_day_begins() -> None:
    terms = Terms(Span(open_time=HOUR), Calendar(zone=BERLIN))
    saturday = local(BERLIN, "2026-10-24 12:00")
    assert due_at(terms, saturday) == local(BERLIN, "2026-10-26 10:00")


@pytest.mark.parametrize(
    ("passed", "due", "later"),
    [
        (0 * DAY, [], 1 * DAY),
        (1 * DAY, ["remind-1"], 2 * DAY),
        (9 * DAY, ["remind-1", "escalate-1", "recycle"], None),
    ],
)
def test_what_is_due_now_and_when_to_look_again(
    passed: timedelta, due: list[str], later: timedelta | None
) -> None:
    terms = Terms(Span(2 * DAY), ALWAYS, (0.5,), (Escalation("Boss"),), recycle_after=Span(2 * DAY))
    found, next_look = due_now(deadlines(terms, NOW), frozenset(), NOW + passed)
    assert [deadline.id for deadline in found] == due
    assert next_look == (NOW + later if later else None)


def test_what_was_done_is_not_due_again() -> None:
    plan = deadlines(TERMS, NOW)
    found, later = due_now(plan, frozenset(deadline.id for deadline in plan), NOW + 99 * DAY)
    assert (found, later) == ([], None)


@pytest.mark.parametrize(
    ("contacted", "now", "answer"),
    [
        (NOW - HOUR, NOW + DAY, True),
        (NOW, NOW + DAY, True),
        (NOW + HOUR, NOW + DAY, False),
        (None, NOW, None),
        (None, NOW + HOUR, False),
    ],
    ids=["in time", "on the dot", "late", "running", "breached"],
)
def test_a_promise_is_kept_broken_or_still_running(
    contacted: datetime | None, now: datetime, answer: bool | None
) -> None:
    assert kept(NOW, contacted, now) is answer


def test_a_lead_that_nobody_accepts_in_time_goes_to_the_next_owner() -> None:
    terms = Terms(Span(2 * DAY), ALWAYS, (), accept_within=Span(4 * HOUR))
    [deadline] = deadlines(terms, NOW)
    assert (deadline.id, deadline.kind, deadline.at) == ("accept", Kind.REASSIGN, NOW + 4 * HOUR)
    assert deadlines(terms, NOW, accepted=True) == ()


@pytest.mark.parametrize(
    ("within", "pauses", "due"),
    [
        (Span(48 * HOUR), [("2026-03-03 10:00", "2026-03-05 10:00")], "2026-03-06 10:00"),
        (Span(open_time=8 * HOUR), [("2026-03-02 16:00", "2026-03-02 20:00")], "2026-03-03 11:00"),
        (Span(open_time=8 * HOUR), [("2026-03-02 20:00", "2026-03-03 08:00")], "2026-03-03 10:00"),
        (Span(open_time=8 * HOUR), [("2026-03-02 12:00", "2026-03-06 15:00")], "2026-03-09 13:00"),
        (Span(business_days=2), [("2026-03-02 12:00", "2026-03-06 12:00")], "2026-03-10 10:00"),
        (Span(48 * HOUR), [("2026-02-27 10:00", "2026-03-02 12:00")], "2026-03-04 12:00"),
        (Span(48 * HOUR), [("2026-02-20 10:00", "2026-02-21 10:00")], "2026-03-04 10:00"),
        (Span(48 * HOUR), [("2026-03-09 10:00", "2026-03-10 10:00")], "2026-03-04 10:00"),
        (Span(48 * HOUR), [("2026-03-03 10:00", None)], "2026-03-04 10:00"),
        (
            Span(48 * HOUR),
            [("2026-03-03 10:00", "2026-03-05 10:00"), ("2026-03-04 10:00", "2026-03-06 10:00")],
            "2026-03-07 10:00",
        ),
    ],
    ids=[
        "elapsed",
        "half in closing time",
        "all in closing time",
        "over days",
        "business days",
        "already paused when opened",
        "before",
        "after it was due",
        "not over yet",
        "overlapping",
    ],
)
def test_a_pause_moves_the_deadline_by_what_it_took_from_the_clock(
    within: Span, pauses: list[tuple[str, str | None]], due: str
) -> None:
    paused = [Pause(danish(start), danish(end) if end else None) for start, end in pauses]
    opened = danish("2026-03-02 10:00")
    assert due_at(Terms(within, Calendar(zone=COPENHAGEN)), opened, paused) == danish(due)


def test_a_pause_moves_every_deadline_that_was_still_ahead() -> None:
    terms = Terms(Span(10 * HOUR), ALWAYS, (0.5, 0.8), (Escalation("Boss", Span(2 * HOUR)),))
    pause = Pause(NOW + 6 * HOUR, NOW + 8 * HOUR)
    hours = [(deadline.at - NOW) / HOUR for deadline in deadlines(terms, NOW, [pause])]
    assert hours == [5, 10, 14]


def test_a_pause_after_the_contact_was_due_moves_the_escalation_only() -> None:
    terms = Terms(Span(10 * HOUR), ALWAYS, (), (Escalation("Boss", Span(4 * HOUR)),))
    pause = Pause(NOW + 11 * HOUR, NOW + 20 * HOUR)
    assert due_at(terms, NOW, [pause]) == NOW + 10 * HOUR
    assert deadlines(terms, NOW, [pause])[0].at == NOW + 23 * HOUR


def test_nothing_is_due_during_a_pause() -> None:
    plan = deadlines(TERMS, NOW)
    until = NOW + 50 * DAY
    look = due_now(plan, frozenset(), NOW + 40 * DAY, [Pause(NOW, until)])
    assert look == ([], until)
    assert due_now(plan, frozenset(), NOW + 40 * DAY, [Pause(NOW)]) == ([], None)
    assert due_now(plan, frozenset(), until, [Pause(NOW, until)])[0]


def test_of_two_pauses_the_longer_one_counts() -> None:
    short, long, open_ = Pause(NOW, NOW + DAY), Pause(NOW, NOW + 2 * DAY), Pause(NOW)
    assert due_now([], frozenset(), NOW, [short, long]) == ([], NOW + 2 * DAY)
    assert due_now([], frozenset(), NOW, [short, open_]) == ([], None)


minutes = st.integers(0, 6 * 24 * 60).map(lambda number: timedelta(minutes=number))


@given(
    st.integers(1, 20 * 60),
    st.lists(st.tuples(minutes, minutes), max_size=3),
    st.sampled_from([DESK, ALWAYS, Calendar(zone=COPENHAGEN)]),
)
@settings(max_examples=25, deadline=None)
def test_paused_minutes_do_not_count(
    open_minutes: int, around: list[tuple[timedelta, timedelta]], calendar: Calendar
) -> None:
    opened = danish("2026-03-26 11:17")
    pauses = [Pause(opened + min(pair), opened + max(pair)) for pair in around]
    terms = Terms(Span(open_time=timedelta(minutes=open_minutes)), calendar)
    due = due_at(terms, opened, pauses)
    counted, minute = 0, opened
    while minute < due:
        paused = any(pause.holds(minute) for pause in pauses)
        counted += calendar.is_open(minute) and not paused
        minute += timedelta(minutes=1)
    assert counted == open_minutes


@given(
    st.lists(st.tuples(minutes, minutes), max_size=3),
    st.sampled_from([Span(30 * HOUR), Span(open_time=20 * HOUR), Span(business_days=3)]),
)
def test_a_pause_never_brings_a_deadline_forward(
    around: list[tuple[timedelta, timedelta]], within: Span
) -> None:
    opened = danish("2026-03-26 11:17")
    pauses = [Pause(opened + min(pair), opened + max(pair)) for pair in around]
    terms = Terms(within, DESK, (0.5,), (Escalation("Boss", Span(4 * HOUR)),), Span(DAY))
    plain = {deadline.id: deadline.at for deadline in deadlines(terms, opened)}
    moved = {deadline.id: deadline.at for deadline in deadlines(terms, opened, pauses)}
    assert all(moved[id_] >= plain[id_] for id_ in plain)
    assert moved["remind-1"] <= moved["escalate-1"] <= moved["reassign"]


def test_an_answer_is_taken_only_where_it_makes_sense() -> None:
    assert State.OPEN not in ANSWERS
    assert State.RECYCLED not in ANSWERS
    for answer, before in ANSWERS.items():
        # a date that was agreed may be moved to another one
        assert (answer in before) == (answer in (State.SNOOZED, State.BOOKED))
        assert State.RECYCLED not in before
    assert ANSWERS[State.CONTACTED] == RUNNING | {State.BOOKED}
    assert RUNNING < SALES_OWNED
