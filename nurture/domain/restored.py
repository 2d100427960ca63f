"""What may have happened in a stretch of time that nobody remembers: a database was restored to its beginning.

Errs on the side of silence. A mail that may have gone out is not sent again; whoever knows better says so.
"""

from collections.abc import Iterator
from datetime import datetime

from nurture.domain.steps import (
    Act,
    Branch,
    Cursor,
    Email,
    Flow,
    Split,
    Wait,
    WaitFor,
    WaitUntil,
)


def may_have_sent(flow: Flow, cursor: Cursor, until: datetime) -> dict[str, str]:
    """The mail steps, with their templates, that a lead may have passed by then, however it went on.

    Touches, conditions and shares are taken to have led anywhere; a wait until a date to have been over.
    """
    found: dict[str, str] = {}
    seen: set[str] = set()
    ahead = [(cursor.step, cursor.since)]
    while ahead:
        ahead.sort(key=lambda place: place[1])
        step_id, at = ahead.pop(0)
        if step_id is None or step_id in seen or step_id not in flow.steps or at > until:
            continue
        seen.add(step_id)
        step = flow.steps[step_id]
        if isinstance(step, Email):
            found[step_id] = step.template
        ahead += _onwards(flow, step_id, at)
    return found


def _onwards(flow: Flow, step_id: str, at: datetime) -> Iterator[tuple[str | None, datetime]]:
    """Where a lead may be next, and the earliest moment it can be there."""
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
