"""Business time against an oracle that looks at the clock on the wall once a minute."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nurture.domain.calendar import ALWAYS, Calendar, Holidays, Span, no_holidays
from tests.support.domain import AUCKLAND, BERLIN, COPENHAGEN, DAY, HOUR, local

MINUTE = timedelta(minutes=1)
WEEK = frozenset(range(7))

SHOP = Calendar(zone=COPENHAGEN)
"""Monday to Friday, nine to five, in Copenhagen."""

CHANGES = [
    (COPENHAGEN, datetime(2026, 3, 29, 1, tzinfo=UTC)),
    (COPENHAGEN, datetime(2026, 10, 25, 1, tzinfo=UTC)),
    (BERLIN, datetime(2026, 10, 25, 1, tzinfo=UTC)),
    (AUCKLAND, datetime(2026, 4, 4, 14, tzinfo=UTC)),
    (AUCKLAND, datetime(2026, 9, 26, 14, tzinfo=UTC)),
    (ZoneInfo("America/Santiago"), datetime(2026, 9, 6, 4, tzinfo=UTC)),
    (ZoneInfo("Australia/Lord_Howe"), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
]
"""Zones, and the moment at which their clocks change: at 02:00 or 03:00, at midnight, by half an hour."""


def danish(day: date) -> bool:
    """Maundy Thursday to Easter Monday, Christmas."""
    return (date(2026, 4, 2) <= day <= date(2026, 4, 6) and day.day != 4) or day in (
        date(2026, 12, 24),
        date(2026, 12, 25),
    )


def open_minutes(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, bool]]:
    """Minute after minute from `start`: is the desk open? A clock that is turned back stands still."""
    minute, wall = start - 3 * HOUR, datetime.min
    while True:
        wall = max(wall, minute.astimezone(calendar.zone).replace(tzinfo=None))
        if minute >= start:
            yield minute, any(_within(calendar, wall, back) for back in (0, 1))
        minute += MINUTE


def _within(calendar: Calendar, wall: datetime, back: int) -> bool:
    """Whether `wall` is in the business hours of its day, or of the day before."""
    day = wall.date() - back * DAY
    if day.weekday() not in calendar.days or calendar.holiday(day):
        return False
    closes_on = day if calendar.opens < calendar.closes else day + DAY
    opening = datetime.combine(day, calendar.opens)
    return opening <= wall < datetime.combine(closes_on, calendar.closes)


def slow_add(calendar: Calendar, start: datetime, minutes: int) -> datetime:
    for minute, is_open in open_minutes(calendar, start):
        if minutes == 0:
            return minute
        minutes -= is_open
    raise AssertionError("minutes never end")


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
early = st.builds(time, st.integers(0, 3), st.sampled_from([0, 15, 30, 45]))


@st.composite
def calendars_and_starts(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    """Any hours, also over midnight and inside the changed hour, at a change of clocks."""
    zone, change = draw(st.sampled_from(CHANGES))
    days = draw(st.just(WEEK) | st.frozensets(st.integers(0, 6), min_size=1))
    closed = draw(st.frozensets(st.integers(-2, 4), max_size=3))
    off = {change.date() + offset * DAY for offset in closed}
    calendar = Calendar(days, draw(times | early), draw(times | early), zone, off.__contains__)
    return calendar, change + draw(st.integers(-40 * 60, 12 * 60)) * MINUTE


@given(calendars_and_starts())
@settings(max_examples=40, deadline=None)
def test_the_desk_is_open_when_the_clock_on_the_wall_says_so(
    sample: tuple[Calendar, datetime],
) -> None:
    calendar, start = sample
    told = 0 * MINUTE
    for minute, is_open in open_minutes(calendar, start):
        if minute >= start + 2 * DAY:
            break
        assert calendar.is_open(minute) == is_open, minute
        told += is_open * MINUTE
    assert calendar.between(start, start + 2 * DAY) == told


@given(calendars_and_starts(), st.integers(0, 16 * 60))
@settings(max_examples=40, deadline=None)
def test_added_open_time_ends_where_counting_minutes_ends(
    sample: tuple[Calendar, datetime], minutes: int
) -> None:
    calendar, start = sample
    end = calendar.add(start, minutes * MINUTE)
    assert end is not None
    assume(end < start + 20 * DAY)
    assert calendar.between(start, end) == minutes * MINUTE
    if minutes:
        assert slow_add(calendar, start, minutes - 1) <= end <= slow_add(calendar, start, minutes)
    else:
        assert end == start


@given(calendars_and_starts(), st.timedeltas(min_value=0 * DAY, max_value=90 * DAY))
def test_open_time_added_is_open_time_passed(
    sample: tuple[Calendar, datetime], open_time: timedelta
) -> None:
    calendar, start = sample
    end = calendar.add(start, open_time)
    assert end is not None
    assert calendar.between(start, end) == open_time


@given(calendars_and_starts(), st.timedeltas(min_value=0 * DAY, max_value=30 * DAY))
def test_open_time_passed_is_regained_by_adding_it(
    sample: tuple[Calendar, datetime], elapsed: timedelta
) -> None:
    calendar, start = sample
    end = start + elapsed
    again = calendar.add(start, calendar.between(start, end))
    assert again is not None
    assert again <= end
    assert calendar.between(again, end) == 0 * DAY


@given(calendars_and_starts())
def test_the_next_opening_is_open_and_nothing_before_it_is(
    sample: tuple[Calendar, datetime],
) -> None:
    calendar, start = sample
    opening = calendar.next_open(start)
    assert opening is not None
    assert calendar.is_open(opening)
    assert calendar.between(start, opening) == 0 * DAY


@given(calendars_and_starts(), st.integers(0, 5), st.integers(0, 5))
def test_business_days_add_up(sample: tuple[Calendar, datetime], one: int, two: int) -> None:
    calendar, start = sample
    local_time = start.astimezone(calendar.zone).time()
    assume(local_time >= time(4))  # outside the hours that a change of clocks skips or repeats
    midway = calendar.add_days(start, one)
    assert midway is not None
    assert calendar.add_days(midway, two) == calendar.add_days(start, one + two)
    assert midway.astimezone(calendar.zone).time() == local_time


@given(
    calendars_and_starts(),
    st.builds(Span, elapsed=st.timedeltas(0 * DAY, 9 * DAY))
    | st.builds(Span, open_time=st.timedeltas(0 * DAY, 9 * DAY))
    | st.builds(Span, business_days=st.integers(0, 9)),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_parts_of_a_span_stand_in_order_between_its_ends(
    sample: tuple[Calendar, datetime], span: Span, one: float, two: float
) -> None:
    calendar, start = sample
    less, more = sorted([one, two])
    end = span.after(start, calendar)
    parts = [span.part(start, fraction, calendar) for fraction in (0.0, less, more)]
    assert [start, *parts[1:], end] == sorted([start, *parts[1:], end])
    assert parts[0] == start


@pytest.mark.parametrize(
    ("zone", "window", "now", "opening"),
    [
        (BERLIN, Calendar(frozenset({0})), "2026-10-24 12:00", "2026-10-26 09:00"),
        (BERLIN, Calendar(frozenset({0})), "2026-03-28 12:00", "2026-03-30 09:00"),
        (
            AUCKLAND,
            Calendar(opens=time(8), closes=time(12)),
            "2026-09-25 13:00",
            "2026-09-28 08:00",
        ),
        (
            AUCKLAND,
            Calendar(opens=time(8), closes=time(12)),
            "2026-04-03 13:00",
            "2026-04-06 08:00",
        ),
        (COPENHAGEN, Calendar(), "2026-03-04 10:30", "2026-03-04 10:30"),
        (COPENHAGEN, Calendar(), "2026-03-04 17:00", "2026-03-05 09:00"),
        (COPENHAGEN, Calendar(holiday=danish), "2026-04-01 17:00", "2026-04-07 09:00"),
        (COPENHAGEN, Calendar(WEEK, time(22), time(6)), "2026-03-29 03:30", "2026-03-29 03:30"),
        (COPENHAGEN, Calendar(WEEK, time(22), time(6)), "2026-03-29 06:00", "2026-03-29 22:00"),
        (COPENHAGEN, Calendar(WEEK, time(2, 30), time(6)), "2026-03-29 01:00", "2026-03-29 03:00"),
    ],
)
def test_next_opening_in_local_time(
    zone: ZoneInfo, window: Calendar, now: str, opening: str
) -> None:
    assert window.in_zone(zone).next_open(local(zone, now)) == local(zone, opening)


@pytest.mark.parametrize(
    ("span", "start", "end"),
    [
        (Span(elapsed=48 * HOUR), "2026-03-06 16:00", "2026-03-08 16:00"),
        (Span(elapsed=48 * HOUR), "2026-03-28 16:00", "2026-03-30 17:00"),
        (Span(open_time=8 * HOUR), "2026-03-06 16:00", "2026-03-09 16:00"),
        (Span(open_time=8 * HOUR), "2026-03-27 16:00", "2026-03-30 16:00"),
        (Span(open_time=8 * HOUR), "2026-03-06 09:00", "2026-03-06 17:00"),
        (Span(open_time=8 * HOUR), "2026-04-01 16:00", "2026-04-07 16:00"),
        (Span(open_time=1 * HOUR), "2026-03-07 03:00", "2026-03-09 10:00"),
        (Span(business_days=2), "2026-03-05 18:30", "2026-03-09 18:30"),
        (Span(business_days=1), "2026-03-07 12:00", "2026-03-09 12:00"),
        (Span(business_days=1), "2026-04-01 12:00", "2026-04-07 12:00"),
        (Span(business_days=0), "2026-03-07 12:00", "2026-03-07 12:00"),
    ],
)
def test_when_a_span_is_over(span: Span, start: str, end: str) -> None:
    shop = Calendar(zone=COPENHAGEN, holiday=danish)
    assert span.after(local(COPENHAGEN, start), shop) == local(COPENHAGEN, end)


def test_a_night_shift_over_the_autumn_change_is_an_hour_longer() -> None:
    night = Calendar(WEEK, time(22), time(6), COPENHAGEN)
    start, end = local(COPENHAGEN, "2026-10-24 20:00"), local(COPENHAGEN, "2026-10-25 12:00")
    assert night.between(start, end) == 9 * HOUR


def test_a_business_day_later_at_a_time_that_the_clocks_skip_is_when_they_jump() -> None:
    always = Calendar(WEEK, zone=COPENHAGEN)
    later = always.add_days(local(COPENHAGEN, "2026-03-28 02:30"), 1)
    assert later == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_business_day_later_at_a_time_that_the_clocks_show_twice_is_the_first() -> None:
    always = Calendar(WEEK, zone=COPENHAGEN)
    later = always.add_days(local(COPENHAGEN, "2026-10-24 02:30"), 1)
    assert later == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_desk_that_opens_once_a_week_still_gets_through_200_hours() -> None:
    rare = Calendar(frozenset({2}), time(9), time(10))
    start = datetime(2026, 3, 4, 9, tzinfo=UTC)
    assert rare.add(start, 200 * HOUR) == start + 199 * 7 * DAY + HOUR


def test_a_desk_that_never_opens_says_so_and_its_spans_fall_back_to_elapsed_time() -> None:
    never = Calendar(days=frozenset())
    start = datetime(2026, 3, 4, 9, tzinfo=UTC)
    assert never.next_open(start) is None
    assert never.add(start, HOUR) is None
    assert never.add_days(start, 1) is None
    assert not never.is_open(start)
    assert Span(open_time=8 * HOUR).after(start, never) == start + 8 * HOUR
    assert Span(open_time=8 * HOUR).part(start, 0.5, never) == start + 4 * HOUR
    assert Span(business_days=2).after(start, never) == start + 2 * DAY


def test_half_of_eight_business_hours_is_four_of_them() -> None:
    friday = local(COPENHAGEN, "2026-03-06 15:00")
    assert Span(open_time=8 * HOUR).part(friday, 0.5, SHOP) == local(COPENHAGEN, "2026-03-09 11:00")
    assert Span(business_days=2).part(friday, 0.5, SHOP) == local(COPENHAGEN, "2026-03-09 15:00")
    assert Span(elapsed=48 * HOUR).part(friday, 0.25, SHOP) == friday + 12 * HOUR


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.timedeltas(0 * DAY, 99 * DAY))
def test_always_open_counts_every_second(naive: datetime, elapsed: timedelta) -> None:
    start = naive.replace(tzinfo=UTC)
    assert ALWAYS.is_open(start)
    assert ALWAYS.add(start, elapsed) == start + elapsed


def test_holidays_close_the_desk_and_keep_their_country() -> None:
    easter = Calendar(zone=COPENHAGEN, holiday=Holidays("DK", danish))
    assert not easter.is_open(local(COPENHAGEN, "2026-04-02 10:00"))
    assert Calendar(zone=COPENHAGEN, holiday=no_holidays).is_open(
        local(COPENHAGEN, "2026-04-02 10:00")
    )


def test_hours_that_the_clocks_jump_over_are_no_hours_that_day() -> None:
    short = Calendar(WEEK, time(2, 15), time(2, 45), COPENHAGEN)
    night = local(COPENHAGEN, "2026-03-29 00:00")
    assert short.next_open(night) == local(COPENHAGEN, "2026-03-30 02:15")
    assert short.between(night, night + DAY) == 0 * DAY
