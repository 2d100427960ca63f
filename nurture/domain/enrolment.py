"""Who may enter a flow, and when again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.calendar import ALWAYS, Span
from nurture.domain.lead import Condition, Facts
from nurture.domain.topics import STAGE

BY_HAND = "by_hand"


@dataclass(frozen=True)
class Trigger:
    """What just happened to a lead: a topic (see nurture.domain.topics), or `by_hand`."""

    topic: str
    value: str | None = None


@dataclass(frozen=True)
class Entry:
    """`on`: any of these topics, such as `touch:form_submitted` or `stage`; `again`: None is never.

    `stage` narrows a stage trigger to one stage.
    """

    on: frozenset[str]
    stage: str | None = None
    when: Condition | None = None
    again: Span | None = None


@dataclass(frozen=True)
class Run:
    """An earlier or present enrolment of the lead in the flow."""

    started_at: datetime
    active: bool


def may_enter(
    entry: Entry, triggers: Sequence[Trigger], facts: Facts, runs: Sequence[Run], now: datetime
) -> bool:
    """Whether the triggers bring the lead into the flow. By hand skips `on` and `when`, not `again`."""
    if facts.lead.erased or any(run.active for run in runs):
        return False
    by_hand = any(trigger.topic == BY_HAND for trigger in triggers)
    if not by_hand and not (_triggered(entry, triggers) and _wanted(entry, facts, now)):
        return False
    if not runs:
        return True
    last = max(run.started_at for run in runs)
    return entry.again is not None and now >= entry.again.after(last, ALWAYS)


def _triggered(entry: Entry, triggers: Sequence[Trigger]) -> bool:
    return any(
        trigger.topic in entry.on
        and (trigger.topic != STAGE or entry.stage in (None, trigger.value))
        for trigger in triggers
    )


def _wanted(entry: Entry, facts: Facts, now: datetime) -> bool:
    return entry.when is None or entry.when(facts, now)
