"""Where a handover stands, and what an answer, an absence and a meeting change about it."""

from dataclasses import replace
from datetime import datetime

import pytest

from nurture.domain.calendar import ALWAYS, Span
from nurture.domain.handover import Handover
from nurture.domain.sla import ASKED, OWNER_ABSENT, Pause, State, Terms
from tests.support.domain import DAY, HOUR, NOW

TERMS = Terms(Span(8 * HOUR), ALWAYS, outcome_within=Span(10 * DAY))
GIVEN = Handover(TERMS, NOW)
TASK = replace(GIVEN, is_task=True)
CALLS = replace(GIVEN, terms=replace(TERMS, contacted=("call",)))
TOMORROW = NOW + DAY


@pytest.mark.parametrize(
    ("before", "answer", "state", "contacted", "closed"),
    [
        (GIVEN, State.ACCEPTED, State.ACCEPTED, False, False),
        (GIVEN, State.CONTACTED, State.CONTACTED, True, False),
        (GIVEN, State.BOOKED, State.BOOKED, True, False),
        (CALLS, State.BOOKED, State.ACCEPTED, False, False),
        (GIVEN, State.SNOOZED, State.SNOOZED, False, False),
        (GIVEN, State.REJECTED, State.REJECTED, False, True),
        (GIVEN, State.WON, State.WON, True, True),
        (TASK, State.CONTACTED, State.CONTACTED, True, True),
    ],
)
def test_what_sales_says_decides_where_the_handover_stands(
    before: Handover, answer: State, state: State, contacted: bool, closed: bool
) -> None:
    told = before.answered(answer, NOW, TOMORROW)
    assert told.state is state
    assert (told.contacted_at is not None, told.closed_at is not None) == (contacted, closed)


@pytest.mark.parametrize(("before", "answer"), [(GIVEN, State.SNOOZED), (CALLS, State.BOOKED)])
def test_the_clock_stands_still_until_the_day_that_was_agreed_or_the_next_answer(
    before: Handover, answer: State
) -> None:
    waits = before.answered(answer, NOW, TOMORROW)
    assert waits.due_at == NOW + DAY + 8 * HOUR
    assert waits.next_look(NOW + HOUR) == TOMORROW
    again = waits.answered(State.BOOKED, NOW + HOUR, NOW + 2 * HOUR)
    assert again.pauses[0].end == NOW + HOUR


def test_an_absence_that_has_begun_stays_with_the_handover_and_only_as_long_as_it_lasted() -> None:
    away = Pause(NOW, TOMORROW, OWNER_ABSENT), Pause(TOMORROW + DAY, None, OWNER_ABSENT)
    held = replace(GIVEN, away=away)
    assert held.begun(NOW + HOUR).pauses == away[:1]
    assert held.been(NOW + HOUR).pauses == (replace(away[0], end=NOW + HOUR),)
    told = held.begun(NOW).answered(State.ACCEPTED, NOW + HOUR)
    assert told.pauses == away[:1]


def test_after_each_talk_its_outcome_is_asked_for_anew() -> None:
    talked = GIVEN.answered(State.CONTACTED, NOW)
    asked = replace(talked, done=("remind-1", ASKED))
    assert asked.next_look(NOW) == NOW + 10 * DAY
    assert asked.answered(State.BOOKED, NOW, TOMORROW).done == ("remind-1",)


def test_a_task_is_done_once_however_often_its_meeting_is_moved() -> None:
    done = TASK.answered(State.BOOKED, NOW, TOMORROW)
    moved = done.answered(State.BOOKED, NOW + HOUR, TOMORROW + DAY)
    assert done.fulfils(TASK)
    assert not moved.fulfils(done)
    assert moved.closed_at == NOW


@pytest.mark.parametrize("answer", [State.BOOKED, State.SNOOZED])
@pytest.mark.parametrize(
    ("said", "until", "known"),
    [(None, None, False), (TOMORROW, TOMORROW, True), (TOMORROW, TOMORROW + DAY, False)],
)
def test_a_meeting_or_a_snooze_that_is_moved_is_news(
    answer: State, said: datetime | None, until: datetime | None, known: bool
) -> None:
    before = GIVEN.answered(answer, NOW, said) if said else GIVEN
    assert before.is_known(answer, until) is known


def test_who_was_lost_and_buys_was_answered_when_it_was_lost() -> None:
    won = GIVEN.answered(State.LOST, NOW).answered(State.WON, TOMORROW)
    assert (won.contacted_at, won.closed_at) == (NOW, TOMORROW)
