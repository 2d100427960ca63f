"""Opening hours as marketers write them -> the core's Calendar. Zones and holidays are looked up here."""

import re
from datetime import date, time, tzinfo

import holidays

from nurture.domain.calendar import Holidays, HolidayTest
from nurture.playbook import zones
from nurture.playbook.findings import suggest, wrong

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)")


def days(text: str) -> frozenset[int]:
    """`mon-fri`, `sat` or `mon, wed, fri` as weekday numbers, Monday being 0. Raises Wrong."""
    found: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = (word.strip() for word in part.partition("-"))
        start = _weekday(first)
        end = _weekday(last) if last else start
        found.update(day % 7 for day in range(start, end + (7 if end < start else 0) + 1))
    return frozenset(found)


def hours(text: str) -> tuple[time, time]:
    """`08:00-16:30` as opening and closing; 24:00 is midnight. Raises Wrong."""
    match = _HOURS.fullmatch(text.strip())
    if not match:
        raise wrong(f'"{text}" is not a pair of times', 'such as "08:00-16:30"')
    opens, closes = _time(match[1], match[2]), _time(match[3], match[4])
    if opens == closes and text.strip() != "00:00-24:00":
        raise wrong(f'"{text}" opens and closes at once', 'all day is "00:00-24:00"')
    return opens, closes


def zone(name: str) -> tzinfo:
    """`Europe/Copenhagen`. Raises Wrong."""
    found = zones.zone(name)
    if found is None:
        remedy = suggest(name, zones.names(), 'such as "Europe/Copenhagen"')
        raise wrong(f'unknown time zone "{name}"', remedy)
    return found


def holidays_of(country: str) -> HolidayTest:
    """`DK`: a test for that country's public holidays. Raises Wrong."""
    known = holidays.list_supported_countries()
    if country not in known:
        raise wrong(f'unknown country "{country}"', 'two capital letters, such as "DK"')
    calendar = holidays.country_holidays(country)

    def is_holiday(day: date) -> bool:
        return day in calendar

    return Holidays(country, is_holiday)


def _weekday(word: str) -> int:
    if word not in WEEKDAYS:
        raise wrong(f'unknown weekday "{word}"', suggest(word, WEEKDAYS, 'such as "mon-fri"'))
    return WEEKDAYS.index(word)


def _time(hour: str, minute: str) -> time:
    if (int(hour), int(minute)) == (24, 0):
        return time(0)
    if int(hour) > 23 or int(minute) > 59:
        raise wrong(f'"{hour}:{minute}" is not a time of day', "from 00:00 to 24:00")
    return time(int(hour), int(minute))
