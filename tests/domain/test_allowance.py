from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.allowance import Allowance, Line, WarmUp, turn

DAY = timedelta(days=1)
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
NOON = MONDAY + timedelta(hours=12)
RAMP = WarmUp(MONDAY, first=50, doubles_every=3 * DAY, until=2000)


@pytest.mark.parametrize(
    ("days", "mails"), [(-5, 50), (0, 50), (3, 100), (6, 200), (12, 800), (15, 1600), (16, None)]
)
def test_a_warm_up_doubles_until_it_is_over(days: int, mails: int | None) -> None:
    assert Allowance(warm_up=RAMP).on(NOON + days * DAY) == mails


def test_a_daily_limit_holds_during_the_warm_up_and_after_it() -> None:
    allowance = Allowance(a_day=120, warm_up=RAMP)
    assert [allowance.on(NOON + n * DAY) for n in (0, 6, 400)] == [50, 120, 120]


def test_a_playbooks_day_may_be_a_second_long() -> None:
    allowance = Allowance(a_day=5, day=timedelta(seconds=1))
    assert allowance.begin_of(NOON + timedelta(seconds=1.5)) == NOON + timedelta(seconds=1)


def test_a_mail_goes_at_once_while_there_is_room() -> None:
    assert turn(Allowance(a_day=10), Line(sent=9), NOON) is None


def test_the_first_mail_without_room_goes_at_midnight_and_the_next_a_slot_later() -> None:
    allowance = Allowance(a_day=24)
    first = turn(allowance, Line(sent=24), NOON)
    assert first == MONDAY + DAY
    assert turn(allowance, Line(sent=24, last=first), NOON) == first + timedelta(hours=1)


def test_a_newcomer_does_not_take_the_place_of_those_who_wait_for_today() -> None:
    line = Line(sent=5, waiting=5, last=NOON + timedelta(hours=9))
    assert turn(Allowance(a_day=10), line, NOON) == MONDAY + DAY
    assert turn(Allowance(a_day=10), line, NOON, called=True) is None


def test_without_a_limit_nobody_waits() -> None:
    assert turn(Allowance(), Line(sent=1_000_000), NOON) is None


@given(st.integers(1, 40), st.integers(1, 200))
def test_no_day_gives_out_more_turns_than_it_has_room(a_day: int, waiting: int) -> None:
    allowance, last, turns = Allowance(a_day=a_day), None, []
    for _ in range(waiting):
        last = turn(allowance, Line(a_day, last=last), NOON)
        assert last is not None
        turns.append(last)
    days = [allowance.begin_of(at) for at in turns]
    assert max(days.count(day) for day in days) <= a_day
    assert turns == sorted(turns)
