"""Terms survive being written to a row and read again."""

import json
from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.calendar import ALWAYS, Calendar, Holidays, HolidayTest, Span
from nurture.domain.errors import InputError
from nurture.domain.sla import Escalation, Terms
from nurture.domain.terms import from_json, to_json
from tests.support.domain import DAY, HOUR


def christmas(day: date) -> bool:
    return (day.month, day.day) == (12, 25)


def holidays(country: str) -> HolidayTest:
    return {"DK": christmas}[country]


def read(text: str) -> Terms:
    return from_json(json.loads(text), ZoneInfo, holidays)


spans = (
    st.builds(Span, elapsed=st.timedeltas(0 * DAY, 99 * DAY))
    | st.builds(Span, open_time=st.timedeltas(0 * DAY, 99 * DAY))
    | st.builds(Span, business_days=st.integers(0, 99))
)
clocks = st.builds(time, st.integers(0, 23), st.integers(0, 59))
calendars = st.builds(
    Calendar,
    days=st.frozensets(st.integers(0, 6)),
    opens=clocks,
    closes=clocks,
    zone=st.sampled_from([ZoneInfo("Europe/Copenhagen"), ZoneInfo("UTC")]),
    holiday=st.just(Holidays("DK", christmas)) | st.just(ALWAYS.holiday),
)
terms = st.builds(
    Terms,
    contact_within=spans,
    calendar=calendars,
    remind_at=st.lists(st.floats(0, 1), max_size=3).map(tuple),
    escalations=st.lists(st.builds(Escalation, st.text(max_size=9), spans), max_size=3).map(tuple),
    reassign_after=st.none() | spans,
    recycle_after=st.none() | spans,
    recycle_to=st.none() | st.text(max_size=9),
    accept_within=st.none() | spans,
    outcome_within=st.none() | spans,
)


@given(terms)
def test_terms_come_back_as_they_were(given_terms: Terms) -> None:
    assert read(json.dumps(to_json(given_terms))) == given_terms


def test_the_stored_form_stays_readable_in_later_versions() -> None:
    desk = Calendar(zone=ZoneInfo("Europe/Copenhagen"), holiday=Holidays("DK", christmas))
    kept = Terms(Span(open_time=8 * HOUR), desk, (0.5,), (Escalation("Boss", Span(DAY)),))
    stored = (
        '{"contact_within": {"open_seconds": 28800.0}, "calendar": {"days": [0, 1, 2, 3, 4], '
        '"opens": "09:00:00", "closes": "17:00:00", "zone": "Europe/Copenhagen", '
        '"holidays": "DK"}, "remind_at": [0.5], "escalations": [{"to": "Boss", "after": '
        '{"seconds": 86400.0}}], "reassign_after": null, "recycle_after": null, '
        '"recycle_to": null, "accept_within": null, '
        '"contacted": ["call", "mail", "meeting", "message", "booking"], '
        '"outcome_within": null}'
    )
    assert json.dumps(to_json(kept)) == stored
    assert read(stored) == kept
    for later in ("contacted", "outcome_within"):
        assert read(stored.replace(f', "{later}"', ', "unknown"')) == kept


def test_holidays_without_a_country_cannot_be_kept() -> None:
    nameless = Terms(Span(DAY), Calendar(holiday=christmas))
    with pytest.raises(InputError, match="by country"):
        to_json(nameless)
