"""The agreement's clock over real calendars in skipped time: Danish Easter, and both changes of clocks."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo

import holidays
import pytest

from nurture.domain.calendar import Calendar, Holidays, Span
from nurture.domain.sla import Escalation, State, Terms
from nurture.playbook import calendars
from nurture.store.handover_tables import NoticeRow
from tests.support.agreement import RULE, agree, answer, hand_over, heard
from tests.support.domain import COPENHAGEN, DAY, HOUR
from tests.support.temporal import Stage

DANISH = Holidays("DK", calendars.holidays_of("DK"))
OFFICE = Calendar(frozenset(range(5)), time(9), time(17), COPENHAGEN)
DANISH_OFFICE = replace(OFFICE, holiday=DANISH)
MINUTE = timedelta(minutes=1)


async def skip_to(stage: Stage, day: date, clock: time, zone: tzinfo = COPENHAGEN) -> None:
    """Until clocks in `zone` show that time on that day, which lies ahead."""
    await stage.pass_time(datetime.combine(day, clock, zone) - await stage.now())


def terms(calendar: Calendar, within: Span) -> Terms:
    boss = (Escalation("Sales lead"), Escalation("Head of sales", Span(open_time=8 * HOUR)))
    return replace(RULE.terms, calendar=calendar, contact_within=within, escalations=boss)


async def told_at(stage: Stage) -> dict[str, datetime]:
    """When each kind of news was first made, on clocks in Denmark."""
    rows = sorted(await stage.world.rows(NoticeRow), key=lambda row: -row.number)
    return {row.type.rpartition(".")[2]: row.created_at.astimezone(COPENHAGEN) for row in rows}


def wall(moment: datetime) -> tuple[date, str]:
    local = moment.astimezone(COPENHAGEN)
    return local.date(), f"{local:%H:%M}"


async def before_easter(stage: Stage) -> date:
    """Easter Sunday of next year, after skipping to three in the afternoon of the Wednesday before."""
    year = (await stage.now()).year + 1
    denmark = holidays.country_holidays("DK", years=year)
    [sunday] = [day for day in denmark if day.month in (3, 4) and day.weekday() == 6]
    await skip_to(stage, sunday - 4 * DAY, time(15))
    return sunday


async def test_danish_holidays_stop_the_clock_from_maundy_thursday_to_easter_monday(
    stage: Stage,
) -> None:
    agree(stage, terms=terms(DANISH_OFFICE, Span(open_time=16 * HOUR)))
    easter = await before_easter(stage)
    tuesday, wednesday = easter + 2 * DAY, easter + 3 * DAY
    row = await hand_over(stage)
    # Two hours are left of this Wednesday, then five days off, then eight hours and six.
    assert wall(row.due_at) == (wednesday, "15:00")
    await stage.pass_time(5 * DAY)
    assert heard(stage) == ["created"]
    await skip_to(stage, wednesday, time(15, 2))
    assert heard(stage) == ["created", "reminder", "reminder", "escalated"]
    told = await told_at(stage)
    assert wall(told["reminder"]) == (tuesday, "15:00")
    assert wall(told["escalated"]) == (wednesday, "15:00")
    await skip_to(stage, wednesday + DAY, time(15, 2))
    assert heard(stage)[4:] == ["escalated"]


async def test_business_days_skip_danish_holidays_and_keep_the_time_of_day(stage: Stage) -> None:
    agree(stage, terms=terms(DANISH_OFFICE, Span(business_days=2)))
    easter = await before_easter(stage)
    row = await hand_over(stage)
    assert wall(row.due_at) == (easter + 3 * DAY, "15:00")
    await skip_to(stage, easter + 3 * DAY, time(14, 59))
    assert heard(stage) == ["created", "reminder", "reminder"]
    assert await answer(stage, row, State.CONTACTED, how="call") == "Noted: contacted."


@pytest.mark.parametrize(("month", "real_hours"), [(3, 67), (10, 69)], ids=["spring", "autumn"])
async def test_over_a_change_of_clocks_the_office_opens_by_the_clock_on_its_wall(
    stage: Stage, month: int, real_hours: int
) -> None:
    agree(stage, terms=terms(OFFICE, Span(open_time=4 * HOUR)))
    friday = await friday_before_the_change(stage, month)
    row = await hand_over(stage)
    assert wall(row.due_at) == (friday + 3 * DAY, "11:00")
    assert real_hours * HOUR - MINUTE < row.due_at - row.opened_at < real_hours * HOUR + MINUTE
    await skip_to(stage, friday + 3 * DAY, time(8, 59))
    assert heard(stage) == ["created"]
    await skip_to(stage, friday + 3 * DAY, time(11, 2))
    assert heard(stage) == ["created", "reminder", "reminder", "escalated"]
    told = await told_at(stage)
    assert wall(told["reminder"]) == (friday + 3 * DAY, "09:00")  # two of the four hours passed
    assert wall(told["escalated"]) == (friday + 3 * DAY, "11:00")


@pytest.mark.parametrize("month", [3, 10], ids=["spring", "autumn"])
async def test_hours_that_are_no_business_hours_are_as_long_as_hours_are(
    stage: Stage, month: int
) -> None:
    agree(stage, terms=terms(OFFICE, Span(48 * HOUR)))
    friday = await friday_before_the_change(stage, month)
    row = await hand_over(stage)
    assert row.due_at - row.opened_at == 48 * HOUR
    await skip_to(stage, friday + 2 * DAY, time(15) if month == 10 else time(16, 2))
    assert heard(stage) == ["created", "reminder", "reminder", "escalated"]


async def friday_before_the_change(stage: Stage, month: int) -> date:
    """After skipping to three in the afternoon of the Friday before the last Sunday of next year's month."""
    last = date((await stage.now()).year + 1, month, 31)
    friday = last - timedelta(days=(last.weekday() + 1) % 7 + 2)
    await skip_to(stage, friday, time(15))
    return friday
