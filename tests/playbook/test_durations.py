from datetime import timedelta

import pytest

from nurture.domain.calendar import Span
from nurture.domain.errors import InputError
from nurture.playbook.durations import Durations
from nurture.playbook.findings import Wrong

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("3 days", Span(elapsed=3 * DAY)),
        ("1 day", Span(elapsed=DAY)),
        ("48h", Span(elapsed=48 * HOUR)),
        ("90 min", Span(elapsed=1.5 * HOUR)),
        ("1.5 days", Span(elapsed=36 * HOUR)),
        ("1 week", Span(elapsed=7 * DAY)),
        ("2 Weeks", Span(elapsed=14 * DAY)),
        ("10s", Span(elapsed=timedelta(seconds=10))),
        ("2 business days", Span(business_days=2)),
        ("8 business hours", Span(open_time=8 * HOUR)),
        ("0.5 business hours", Span(open_time=0.5 * HOUR)),
    ],
)
def test_a_duration_is_read_as_people_mean_it(text: str, span: Span) -> None:
    assert Durations().span(text) == span


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("3 dasy", 'unknown unit "dasy"', 'did you mean "days"?'),
        ("3 bussiness days", '"3 bussiness days" is not a duration', None),
        ("2 weks", 'unknown unit "weks"', 'did you mean "weeks"?'),
        ("2 months", "a month has no fixed length", 'write "60 days"'),
        ("1 year", "a year has no fixed length", 'write "365 days"'),
        ("three days", '"three days" is not a duration', None),
        ("3", '"3" is not a duration', None),
        ("-3 days", '"-3 days" is not a duration', None),
        ("0 days", '"0 days" is no time at all', None),
        ("4000 days", '"4000 days" is longer than ten years', None),
        ("2 business weeks", '"2 business weeks" has no meaning', None),
        ("1.5 business days", '"1.5 business days" is not a whole number of days', None),
    ],
)
def test_a_duration_that_means_nothing_is_refused(
    text: str, problem: str, remedy: str | None
) -> None:
    with pytest.raises(Wrong) as caught:
        Durations().span(text)
    (found,) = caught.value.problems
    assert found.text == problem
    assert remedy is None or found.remedy == remedy


def test_business_time_is_refused_where_the_clock_never_stops() -> None:
    with pytest.raises(Wrong, match="cannot be in business time here"):
        Durations().elapsed("2 business days")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 day", 1.0),
        ("2 weeks", 14.0),
        ("12h", 0.5),
        ("2 business days", 2.0),
        ("8 business hours", 1.0),
    ],
)
def test_a_pace_shrinks_every_duration_and_makes_business_time_elapse(
    text: str, seconds: float
) -> None:
    assert Durations("1 day = 1 s").span(text) == Span(elapsed=timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("pace", "day"), [("1 day = 1 s", 1.0), ("1 week = 7 min", 60.0), ("1 h = 100 ms", 2.4)]
)
def test_the_pace_says_how_long_a_day_of_the_playbook_is(pace: str, day: float) -> None:
    assert Durations(pace).day == timedelta(seconds=day)


def test_without_a_pace_a_day_is_a_day() -> None:
    assert Durations().day == DAY


@pytest.mark.parametrize("pace", ["fast", "1 day", "1 day = 0 s", "1 day = 1 s = 1 s", "2 = 3"])
def test_a_pace_that_cannot_be_read_is_refused_with_an_example(pace: str) -> None:
    with pytest.raises(InputError) as caught:
        Durations(pace)
    told = f'"{pace}" is not a pace; write for example "1 day = 1 s"'
    assert str(caught.value) == f"NURTURE_PACE: {told}"
