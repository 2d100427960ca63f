from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.errors import Transient
from nurture.domain.retries import JITTER, WAITS, comes_back, retry_schedule, wait_after
from tests.support.domain import DAY, HOUR, NOW


def test_a_notice_is_tried_over_three_days_and_then_given_up() -> None:
    waits = []
    while wait := retry_schedule(len(waits) + 1, "msg_1"):
        waits.append(wait)
    assert waits[0] < timedelta(seconds=6)
    assert timedelta(days=2.9) < sum(waits, timedelta()) < timedelta(days=3.2)


@given(st.timedeltas(timedelta(seconds=5), timedelta(hours=40)), st.text())
def test_a_receiver_that_is_back_is_told_before_as_long_again_has_passed(
    away: timedelta, id: str
) -> None:
    asked = timedelta()
    for attempt in count(1):
        wait = retry_schedule(attempt, id)
        assert wait is not None
        asked += wait
        if asked >= away:
            break
    assert asked <= 2 * away * (1 + JITTER) + WAITS[0]


@given(st.integers(1, len(WAITS)), st.text())
def test_a_wait_is_never_shorter_than_planned_and_hardly_longer(attempt: int, id: str) -> None:
    wait, planned = retry_schedule(attempt, id), WAITS[attempt - 1]
    assert wait is not None
    assert planned <= wait <= planned * (1 + JITTER)


def test_a_repeated_activity_computes_the_same_moment() -> None:
    assert retry_schedule(3, "msg_1") == retry_schedule(3, "msg_1")


def test_notices_that_failed_together_are_not_tried_again_together() -> None:
    assert len({retry_schedule(4, f"msg_{number}") for number in range(50)}) == 50


def test_a_receiver_that_asks_for_time_gets_it_while_there_is_another_try() -> None:
    busy = Transient("http_429", "busy", HOUR)
    assert wait_after(busy, 1, "msg_1") == HOUR
    assert wait_after(busy, len(WAITS), "msg_1") == retry_schedule(len(WAITS), "msg_1") > HOUR
    assert wait_after(busy, len(WAITS) + 1, "msg_1") is None


def test_attempts_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        retry_schedule(0, "msg_1")


def test_a_mail_is_put_off_for_five_days_or_as_long_as_its_flow_would_hold_it() -> None:
    assert comes_back(NOW, DAY, max_hold=30 * DAY) == NOW + 5 * DAY
    assert comes_back(NOW, DAY, max_hold=2 * DAY) == NOW + 2 * DAY
    assert comes_back(NOW, HOUR, max_hold=30 * HOUR) == NOW + 5 * HOUR
