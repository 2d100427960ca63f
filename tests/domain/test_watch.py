"""When does a sender have to stop?"""

import pytest

from nurture.domain.watch import Alarm, Limits, Sent, judge


@pytest.mark.parametrize(
    ("sent", "alarm"),
    [
        (Sent(10_000), Alarm.NONE),
        (Sent(10_000, complained=9), Alarm.NONE),
        (Sent(10_000, complained=10), Alarm.WARN),
        (Sent(10_000, complained=29), Alarm.WARN),
        (Sent(10_000, complained=30), Alarm.PAUSE),
        (Sent(10_000, bounced=199), Alarm.NONE),
        (Sent(10_000, bounced=200), Alarm.WARN),
        (Sent(10_000, bounced=500), Alarm.PAUSE),
        (Sent(10_000, bounced=500, complained=10), Alarm.PAUSE),
        (Sent(99, bounced=99, complained=99), Alarm.NONE),
        (Sent(0), Alarm.NONE),
    ],
)
def test_the_limits_of_bulk_senders(sent: Sent, alarm: Alarm) -> None:
    assert judge(Limits(), sent).alarm is alarm


def test_one_person_alone_stops_nobody() -> None:
    assert judge(Limits(), Sent(100, complained=1)).alarm is Alarm.WARN
    assert judge(Limits(), Sent(100, complained=2)).alarm is Alarm.PAUSE


def test_the_reason_tells_which_limit() -> None:
    verdict = judge(Limits(), Sent(1000, complained=5))
    assert verdict.reason == "5 complaints of 1000 mails are 0.50%; the limit is 0.30%"
