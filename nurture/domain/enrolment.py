"""Who may enter a flow, and when again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from nurture.domain.calendar import ALWAYS, Calendar, Span
from nurture.domain.lead import Condition, Facts
from nurture.domain.steps import Flow, WaitUntil
from nurture.domain.topics import STAGE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

BY_HAND = "by_hand"
CONDITION = "condition"
"""In `Entry.on`: whatever is heard of the lead, be it that its next look is due, the flow's `when` is asked."""


NOT_OPEN = "not_open"
"""Why a run ends whose flow leads to one that nobody enters now."""


LONG_AGO = timedelta(days=2)
"""Of the playbook's days. A history that is brought along counts, but is not answered: who asked for a demo years ago
is not thanked for it today. A telephone that was off tells what it saw within two days."""


@dataclass(frozen=True)
class Trigger:
    """What just happened to a lead: a topic (see nurture.domain.topics), or `by_hand`. `anew`: it asks for something
    that nobody has asked for yet. `late`: it happened LONG_AGO, so it brings nobody into a flow."""

    topic: str
    value: str | None = None
    anew: bool = False
    late: bool = False


@dataclass(frozen=True)
class Run:
    """An earlier or present enrolment of the lead in the flow. `led_out`: it did not end by itself, somebody or an edit
    ended it."""

    started_at: datetime
    active: bool
    led_out: bool = False


@dataclass(frozen=True)
class Entry:
    """`on`: any of these topics, such as `touch:form_submitted` or `stage`; `again`: None is never.

    `stage` narrows a stage trigger to one stage. `lapse`: again once `when` was seen not to hold since
    the last time. `a_day`: so many enter a day at most, evenly spread; later ones start later. `date`: the
    lead enters once that date is known, if it lies ahead (counted on the clock of `calendar`), and again when it
    is told anew. Nobody enters before `opens`, nor from `closes` on.
    """

    on: frozenset[str]
    stage: str | None = None
    when: Condition | None = None
    again: Span | None = None
    lapse: bool = False
    a_day: int | None = None
    opens: datetime | None = None
    closes: datetime | None = None
    date: WaitUntil | None = None
    calendar: Calendar = ALWAYS

    def next_look(self, traits: Mapping[str, Any], now: datetime) -> datetime | None:
        """When the flow opens to a lead that told its date before; None: nobody has to look."""
        told = self.date and traits.get(self.date.trait or "")
        return self.opens if told and self.opens and now < self.opens else None

    def again_at(self, runs: Sequence[Run]) -> datetime | None:
        """When `again` lets in whoever had these runs; None: never, or nobody had any."""
        if self.again is None or not runs:
            return None
        return self.again.after(max(run.started_at for run in runs), ALWAYS)

    def next_turn(self, runs: Sequence[Run], now: datetime, asked: bool) -> datetime | None:
        """When to look whether `again` lets in whoever had these runs. None: at none but, where one is under way, its
        end; and who was led out is left alone. `asked`: the flow was just asked."""
        at = self.again_at(runs)
        if at is None or now < at:
            return at
        latest = max(runs, key=lambda run: run.started_at)
        return None if asked or latest.led_out or any(run.active for run in runs) else now

    def outlasted(self, run: Run, now: datetime) -> bool:
        """Whether the run, which ended by itself, took so long that `again` would have let the lead in meanwhile."""
        at = None if run.led_out else self.again_at([run])
        return at is not None and at <= now


def may_enter(
    entry: Entry,
    triggers: Sequence[Trigger],
    facts: Facts,
    runs: Sequence[Run],
    now: datetime,
    lapsed: bool = False,
    anew: bool = False,
) -> bool:
    """Whether the triggers bring the lead into the flow. By hand skips `on` and `when`, not `again`.

    `lapsed`: the entry's condition was seen not to hold since the lead last entered. `anew`: what it is in, or was in
    lately, does not answer this.
    """
    if facts.lead.erased or not is_open(entry, now):
        return False
    if any(run.active for run in runs) and not anew:
        return False
    by_hand = any(trigger.topic == BY_HAND for trigger in triggers)
    if not by_hand and not (_triggered(entry, triggers, runs) and _wanted(entry, facts, now)):
        return False
    if not runs or anew:
        return True
    if entry.lapse:
        return lapsed
    again = entry.again_at(runs)
    return again is not None and now >= again


def asks_anew(entry: Entry, flow: Flow, triggers: Sequence[Trigger]) -> bool:
    """Whether the flow, which answers what a lead just did, has something new to answer."""
    return flow.mail.transactional and any(
        trigger.anew and trigger.topic in entry.on for trigger in triggers
    )


def outside(entry: Entry, facts: Facts, now: datetime) -> bool:
    """Whether what has to lapse before a lead enters again does not hold."""
    return bool(entry.lapse and entry.when and not entry.when(facts, now))


def turn(a_day: int, last: datetime | None, now: datetime, lead: str) -> datetime:
    """When the next lead may start if `a_day` do, evenly; `last` is the latest start given so far.

    A day has `a_day` slots; who comes while the present one is free starts at once, else the lead gets a
    moment of its own in the next free one.
    """
    slot = timedelta(days=1) / a_day
    present = (now - _EPOCH) // slot
    free = present if last is None else max(present, (last - _EPOCH) // slot + 1)
    if free == present:
        return now
    part = int.from_bytes(sha256(lead.encode()).digest()[:4], "big") / 2**32
    return _EPOCH + free * slot + slot * part


def is_open(entry: Entry, now: datetime) -> bool:
    return not (entry.opens and now < entry.opens) and not (entry.closes and now >= entry.closes)


def _triggered(entry: Entry, triggers: Sequence[Trigger], runs: Sequence[Run]) -> bool:
    if (CONDITION in entry.on and triggers) or (entry.date and not runs):
        return True
    return any(
        trigger.topic in entry.on
        and not trigger.late
        and (trigger.topic != STAGE or entry.stage in (None, trigger.value))
        for trigger in triggers
    )


def _wanted(entry: Entry, facts: Facts, now: datetime) -> bool:
    if entry.date:
        moment = entry.date.moment(facts.lead, entry.calendar)
        return moment is not None and moment > now  # `when` is asked on the day itself
    return entry.when is None or entry.when(facts, now)
