"""What becomes of a lead when the flow around it is edited: where it goes on, and whether it must be woken.

A wait keeps no deadline of its own, so most edits need nothing but a look at the new flow. The fixed meaning
of each edit stands in docs/live-edits.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from nurture.domain.lead import Condition
from nurture.domain.renaming import in_force, successor
from nurture.domain.steps import (
    Act,
    Branch,
    Cursor,
    Email,
    End,
    Flow,
    Goto,
    InFlight,
    Paused,
    Split,
    Step,
    Wait,
    WaitFor,
    WaitUntil,
)

FLOW_REMOVED, FLOW_CHANGED, STEP_REMOVED = "flow_removed", "flow_changed", "step_removed"
FLOW_MERGED = "flow_merged"


@dataclass(frozen=True)
class Fate:
    """What happens to one lead. `ends`: why its run is over. `woken`: it cannot sleep on."""

    words: str
    step: str | None = None
    ends: str | None = None
    woken: bool = False


def fate(old: Flow, new: Flow | None, cursor: Cursor, now: datetime) -> Fate:
    """Of a lead at `cursor` in `old` once `new` is in force (None: the flow is gone)."""
    if new is None:
        return Fate("leaves: the flow is gone", ends=FLOW_REMOVED, woken=True)
    if new.in_flight is InFlight.EXIT and not alike(old, new):
        return Fate("leaves: the flow has changed", ends=FLOW_CHANGED, woken=True)
    if new.paused is Paused.HOLD:
        return Fate("stands still until the flow goes on", cursor.step)
    resumed = old.paused is Paused.HOLD
    if old.revision != new.revision and new.in_flight is InFlight.FINISH_OLD:
        return Fate("finishes the version it is in", cursor.step, woken=resumed)
    return _in_new(old, new, cursor, now, resumed)


def alike(old: Flow, new: Flow) -> bool:
    """Whether nothing but names differs. Steps of `old` lead to flows by their names of today (`steps_among`)."""
    if old.revision == new.revision:
        return True
    if old.outline is None or old.outline != new.outline or len(old.steps) != len(new.steps):
        return False  # entering on a date has steps of its own
    pairs = zip(old.steps.items(), new.steps, strict=True)
    return all(_alike(old, new, name, step, now) for (name, step), now in pairs)


def _alike(old: Flow, new: Flow, name: str, step: Step, now: str) -> bool:
    """Of a step that leads to a flow the name is not enough; of one that is gone only an end is left."""
    if Goto in (type(step), type(new.steps[now])):
        return step == new.steps[now]
    return counterpart(old, new, name) == now


def fate_of_joining(
    old: Flow, new: Flow, cursor: Cursor, now: datetime, inside: bool = False
) -> Fate:
    """Of a lead whose flow is merged into `new`, where it may be `inside` already. It cannot finish the old version
    there, and must come over before it does anything else."""
    if new.in_flight is InFlight.EXIT:
        return Fate("leaves: the flow has changed", ends=FLOW_CHANGED, woken=True)
    if inside:
        return Fate("leaves: its other run goes on", ends=FLOW_MERGED, woken=True)
    follows = replace(new, in_flight=InFlight.FOLLOW)
    return replace(fate(old, follows, cursor, now), woken=True)


def adopt(old: Flow, new: Flow, cursor: Cursor, now: datetime) -> Cursor | None:
    """Where a lead at `cursor` in `old` stands in `new`; None: nowhere any more."""
    if cursor.step is None:
        return cursor
    if step := counterpart(old, new, cursor.step):
        return cursor if step == cursor.step else Cursor(step, cursor.since, cursor.entered)
    step = surviving(old, new, cursor.step)
    return cursor.to(step, now) if step else None


def steps_among(old: Flow, then: Mapping[str, Flow], flows: Mapping[str, Flow]) -> dict[str, Step]:
    """The steps of an earlier version, with its flows `then`, beside the `flows` in force: one that leads to a flow
    with another name by now leads there, and where the flow is gone the run ends."""
    return {name: _leading(step, then, flows) for name, step in old.steps.items()}


def counterpart(old: Flow, new: Flow, step: str) -> str | None:
    """The same step in `new`, which may have come long after: by what it was first called, or else by names. What was
    another step in `old`, or was first called otherwise, only has the name."""
    found = successor(old, new, step)
    if old.root != new.root:
        return found
    root = old.root_of(step)
    if its := next((name for name in new.steps if new.root_of(name) == root), None):
        return its
    others = {old.root_of(name) for name in old.steps}
    if found is None or new.was.get(step) == found:
        return found
    return found if new.root_of(found) == found and found not in others else None


def surviving(old: Flow, new: Flow, step: str | None) -> str | None:
    """The next step of `old`, behind `step`, that `new` still has."""
    while step is not None:
        step = _behind(old.steps.get(step))
        if step and (found := counterpart(old, new, step)):
            return found
    return None


def earlier(old: Flow, new: Flow, cursor: Cursor) -> datetime | None:
    """When the lead's wait now ends, if that is sooner than it was. A window in the lead's zone is taken in its own."""
    if cursor.step is None:
        return None
    before = _ends(old, old.steps.get(cursor.step), cursor)
    after = _ends(new, new.steps.get(counterpart(old, new, cursor.step) or ""), cursor)
    return after if before and after and after < before else None


def _in_new(old: Flow, new: Flow, cursor: Cursor, now: datetime, resumed: bool) -> Fate:
    adopted = adopt(old, new, cursor, now)
    if adopted is None:
        return Fate("leaves: nothing is left behind its step", ends=STEP_REMOVED, woken=True)
    step = adopted.step
    if cursor.step and counterpart(old, new, cursor.step) is None:
        return Fate(f"goes on with {step}", step, woken=True)
    if resumed:
        return Fate("goes on; what fell due is spread", step, woken=True)
    if at := earlier(old, new, cursor):
        words = "goes on now, its wait is over" if at <= now else "waits less long"
        return Fate(words, step, woken=True)
    if _asked(old) != _asked(new):
        return Fate("stays; goal and exits are asked anew", step, woken=True)
    if cursor.step and step and _awaited(old, new, cursor.step) != _awaits(new.steps[step]):
        return Fate("stays, and waits for what the step now says", step, woken=True)
    return Fate("stays where it is", step)


def _leading(step: Step, then: Mapping[str, Flow], flows: Mapping[str, Flow]) -> Step:
    if not isinstance(step, Goto):
        return step
    flow = in_force(then, flows, step.flow)
    return Goto(flow.id) if flow else End(FLOW_REMOVED)


def _behind(step: Step | None) -> str | None:
    """Where a lead goes on that gives no answer and takes the first share."""
    match step:
        case Email() | Wait() | WaitUntil() | Act():
            return step.next
        case WaitFor() | Branch():
            return step.otherwise
        case Split():
            return step.arms[0][1]
        case _:
            return None


def _ends(flow: Flow, step: Step | None, cursor: Cursor) -> datetime | None:
    match step:
        case Wait():
            until = step.span.after(cursor.since, flow.calendar)
            return (step.window and step.window.next_open(until)) or until
        case WaitFor():
            return step.within.after(cursor.since, flow.calendar)
        case _:
            return None


def _awaited(old: Flow, new: Flow, step: str) -> object:
    """What ended a stay at the step of `old`; the step whose touch that was goes by its name in `new`."""
    its = old.steps.get(step)
    if isinstance(its, WaitFor) and its.of:
        its = replace(its, of=counterpart(old, new, its.of))
    return _awaits(its)


def _awaits(step: Step | None) -> object:
    """What ends a stay at the step, besides the time."""
    match step:
        case WaitFor():
            return step.touch, step.of, step.when and step.when.source
        case WaitUntil():
            return step.date, step.trait, step.offset
        case Wait() if step.window_in_lead_zone:  # nobody here knows it, so each looks for itself
            return step.span, step.window
        case _:
            return type(step)


def _asked(flow: Flow) -> list[str]:
    conditions: list[Condition] = [*flow.exits, *([flow.goal] if flow.goal else [])]
    return [condition.source for condition in conditions]
