"""What happened, in words: the same ones in a timeline, in a scenario and in its diff."""

from datetime import datetime, tzinfo

from nurture.domain.event import Event
from nurture.playbook.scenario_schema import FORMS

SILENT = frozenset({"at"})
"""Every step a lead comes to; counted in pictures, too much for a timeline."""


def words(event: Event) -> str:
    """`mail welcome`, `handover: read the guide`; an answer of sales is `sales says won`."""
    form = FORMS.get(event.what, FORMS["answer"])
    told = form.format(about=event.about, flow=event.flow, step=event.step, what=event.what)
    if event.what == "touch" and event.step:
        told += f" of {event.step}"
    return told


def day(at: datetime, start: datetime, zone: tzinfo) -> int:
    """Days since the start on the company's calendar; the first is 0."""
    return (at.astimezone(zone).date() - start.astimezone(zone).date()).days


def timeline(events: list[Event], start: datetime, zone: tzinfo) -> list[str]:
    """A line for each event, on the company's clock."""
    return [
        f"day {day(event.at, start, zone):>3}  {event.at.astimezone(zone):%a %d %b %H:%M}  {words(event)}"
        for event in events
        if event.what not in SILENT
    ]
