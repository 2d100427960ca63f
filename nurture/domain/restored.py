"""What may have happened in a stretch of time that nobody remembers: a database was restored to its beginning.

Errs on the side of silence. A mail that may have gone out is not sent again; whoever knows better says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from nurture.domain.effects import HandOver
from nurture.domain.steps import (
    Act,
    Branch,
    Cursor,
    Email,
    Flow,
    Goto,
    Split,
    Wait,
    WaitFor,
    WaitUntil,
)

Door = tuple[str, datetime]
"""A flow that a lead may have been led into, and the earliest moment of that."""


def may_have_sent(flow: Flow, cursor: Cursor, until: datetime) -> dict[str, str]:
    """The mail steps, with their templates, that a lead may have passed by then, however it went on.

    Touches, conditions and shares are taken to have led anywhere; a wait until a date to have been over.
    """
    passed = ((step_id, flow.steps[step_id]) for step_id in _passed(flow, cursor, until))
    return {step_id: step.template for step_id, step in passed if isinstance(step, Email)}


def doors(
    flow: Flow, cursor: Cursor, until: datetime, recycle_to: str | None = None
) -> Iterator[Door]:
    """The ways out of the flow that a lead may have taken by then. Sales is taken to have given back at once, to
    `recycle_to`, whom the flow handed over."""
    for step_id, at in _passed(flow, cursor, until).items():
        match flow.steps[step_id]:
            case Goto(flow=target):
                yield target, at
            case Act(effect=HandOver()) if recycle_to:
                yield recycle_to, at


def may_have_entered(
    open_: Iterable[Door], flows: Mapping[str, Flow], until: datetime, recycle_to: str | None = None
) -> dict[str, datetime]:
    """The flows behind these doors, and behind theirs, each entered once and as early as can be."""
    entered: dict[str, datetime] = {}
    ahead = list(open_)
    while ahead:
        ahead.sort(key=lambda door: door[1])
        name, at = ahead.pop(0)
        if name in entered or name not in flows or at > until:
            continue
        entered[name] = at
        ahead += doors(flows[name], Cursor(flows[name].first, at), until, recycle_to)
    return entered


def _passed(flow: Flow, cursor: Cursor, until: datetime) -> dict[str, datetime]:
    """The steps that a lead may have come to by then, and the earliest moment of each."""
    passed: dict[str, datetime] = {}
    ahead = [(cursor.step, cursor.since)]
    while ahead:
        ahead.sort(key=lambda place: place[1])
        step_id, at = ahead.pop(0)
        if step_id is None or step_id in passed or step_id not in flow.steps or at > until:
            continue
        passed[step_id] = at
        ahead += _onwards(flow, step_id, at)
    return passed


def _onwards(flow: Flow, step_id: str, at: datetime) -> Iterator[tuple[str | None, datetime]]:
    """Where in the flow a lead may be next, and the earliest moment it can be there."""
    match flow.steps[step_id]:
        case Email(next=following) | Act(next=following):
            yield following, at
        case Wait() as wait:
            yield wait.next, wait.span.after(at, flow.calendar)
        case WaitUntil() as wait:
            yield wait.next, at
            yield wait.otherwise, at
        case WaitFor() as wait:
            yield wait.then, at
            yield wait.otherwise, wait.within.after(at, flow.calendar)
        case Branch() as branch:
            yield from ((target, at) for _, target in branch.arms)
            yield branch.otherwise, at
        case Split() as split:
            yield from ((target, at) for _, target in split.arms)
