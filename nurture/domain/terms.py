"""Terms as plain JSON, so that a handover keeps what it was given whatever becomes of the playbook.

Zones and holidays are kept by name and looked up by the caller when the terms are read again.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time, timedelta, tzinfo
from typing import Any

from nurture.domain.calendar import Calendar, Holidays, HolidayTest, Span, no_holidays
from nurture.domain.errors import InputError
from nurture.domain.sla import EVIDENCE, Escalation, Pause, Terms

Json = dict[str, Any]


def to_json(terms: Terms) -> Json:
    """Raises InputError when the calendar's holidays are not those of a named country."""
    return {
        "contact_within": _span_to_json(terms.contact_within),
        "calendar": _calendar_to_json(terms.calendar),
        "remind_at": list(terms.remind_at),
        "escalations": [
            {"to": step.to, "after": _span_to_json(step.after)} for step in terms.escalations
        ],
        "reassign_after": _maybe_span(terms.reassign_after),
        "recycle_after": _maybe_span(terms.recycle_after),
        "recycle_to": terms.recycle_to,
        "accept_within": _maybe_span(terms.accept_within),
        "contacted": list(terms.contacted),
        "outcome_within": _maybe_span(terms.outcome_within),
    }


def from_json(
    data: Mapping[str, Any],
    zone: Callable[[str], tzinfo],
    holidays: Callable[[str], HolidayTest],
) -> Terms:
    """`zone` finds a time zone by its IANA name, `holidays` a country's by its ISO 3166-1 code."""
    return Terms(
        contact_within=_span(data["contact_within"]),
        calendar=_calendar(data["calendar"], zone, holidays),
        remind_at=tuple(data["remind_at"]),
        escalations=tuple(
            Escalation(step["to"], _span(step["after"])) for step in data["escalations"]
        ),
        reassign_after=_span(data["reassign_after"]) if data["reassign_after"] else None,
        recycle_after=_span(data["recycle_after"]) if data["recycle_after"] else None,
        recycle_to=data["recycle_to"],
        accept_within=_span(data["accept_within"]) if data["accept_within"] else None,
        contacted=tuple(data.get("contacted", EVIDENCE)),
        outcome_within=_span(data["outcome_within"]) if data.get("outcome_within") else None,
    )


def pauses_to_json(pauses: Iterable[Pause]) -> list[Json]:
    """Times are ISO 8601."""
    return [
        {
            "start": pause.start.isoformat(),
            "end": pause.end.isoformat() if pause.end else None,
            "why": pause.why,
        }
        for pause in pauses
    ]


def pauses_from_json(data: Iterable[Mapping[str, Any]]) -> tuple[Pause, ...]:
    return tuple(
        Pause(
            datetime.fromisoformat(pause["start"]),
            datetime.fromisoformat(pause["end"]) if pause["end"] else None,
            pause["why"],
        )
        for pause in data
    )


def _span_to_json(span: Span) -> Json:
    """Times in seconds."""
    if span.open_time is not None:
        return {"open_seconds": span.open_time.total_seconds()}
    if span.business_days is not None:
        return {"business_days": span.business_days}
    return {"seconds": span.elapsed.total_seconds()}


def _maybe_span(span: Span | None) -> Json | None:
    return _span_to_json(span) if span else None


def _span(data: Mapping[str, Any]) -> Span:
    if "open_seconds" in data:
        return Span(open_time=timedelta(seconds=data["open_seconds"]))
    if "business_days" in data:
        return Span(business_days=data["business_days"])
    return Span(elapsed=timedelta(seconds=data["seconds"]))


def _calendar_to_json(calendar: Calendar) -> Json:
    return {
        "days": sorted(calendar.days),
        "opens": calendar.opens.isoformat(),
        "closes": calendar.closes.isoformat(),
        "zone": str(calendar.zone),
        "holidays": _country(calendar.holiday),
    }


def _country(holiday: HolidayTest) -> str | None:
    if holiday is no_holidays:
        return None
    if isinstance(holiday, Holidays):
        return holiday.country
    raise InputError("holidays can only be kept by country", "terms")


def _calendar(
    data: Mapping[str, Any],
    zone: Callable[[str], tzinfo],
    holidays: Callable[[str], HolidayTest],
) -> Calendar:
    country = data["holidays"]
    return Calendar(
        days=frozenset(data["days"]),
        opens=time.fromisoformat(data["opens"]),
        closes=time.fromisoformat(data["closes"]),
        zone=zone(data["zone"]),
        holiday=Holidays(country, holidays(country)) if country else no_holidays,
    )
