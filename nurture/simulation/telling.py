"""What happened, in words: the same ones in a timeline, in a scenario and in its diff."""

from datetime import datetime, tzinfo

from nurture.simulation.world import Event

_WORDS = {
    "mail": "mail {about}",
    "refused": "no mail {about}",
    "held": "waits: {about}",
    "touch": "does {about}",
    "stage": "becomes {about}",
    "entered": "enters {about}",
    "left": "leaves {flow}: {about}",
    "handover": "handover: {about}",
    "enriched": "sales hears: {about}",
    "task": "task {step}: {about}",
    "added": "added to {about}",
    "removed": "removed from {about}",
    "told": "tells {about}",
    "reminded": "sales reminded: {about}",
    "escalated": "escalated to {about}",
    "reassigned": "given to {about}",
    "recycled": "given back: nobody contacted the lead in time",
}
SILENT = frozenset({"at"})
"""Every step a lead comes to; counted in pictures, too much for a timeline."""


def words(event: Event) -> str:
    """`mail welcome`, `handover: read the guide`; an answer of sales is `sales says won`."""
    form = _WORDS.get(event.what, "sales says {what}")
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
