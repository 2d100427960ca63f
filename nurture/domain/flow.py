"""What a lead in a flow does next: one pure function, one step at a time.

A flow is a graph of steps without cycles; nested `then`/`do` lists are flattened when the playbook is
compiled, so the cursor is one step id and the moment the lead came to it. A wait keeps no deadline: it is
computed from that moment and the flow in force, so a wait that was edited means what it now says.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from nurture.domain import gate, topics
from nurture.domain.effects import (
    CallWebhook,
    ChangeAudience,
    CreateTask,
    Effect,
    Enrol,
    HandOver,
    RefuseMail,
    SendMail,
    SetTag,
    SetTrait,
)
from nurture.domain.lead import Facts, Stay, Touch
from nurture.domain.steps import (
    Act,
    Branch,
    Cursor,
    Email,
    End,
    Flow,
    Goto,
    InFlight,
    Move,
    Paused,
    Split,
    Step,
    Wait,
    WaitFor,
    WaitUntil,
)

__all__ = [
    "Act",
    "Branch",
    "CallWebhook",
    "ChangeAudience",
    "CreateTask",
    "Cursor",
    "Effect",
    "Email",
    "End",
    "Enrol",
    "Flow",
    "Goto",
    "HandOver",
    "InFlight",
    "Move",
    "Paused",
    "RefuseMail",
    "SendMail",
    "SetTag",
    "SetTrait",
    "Split",
    "Step",
    "Wait",
    "WaitFor",
    "WaitUntil",
    "advance",
    "listens",
    "mail_due",
    "once_more",
]

_LOOKS = 100
"""How often, at most, a wait looks again at a condition whose answer changes with the time alone."""

_HELD = timedelta(days=30)
"""How long a lead in a held flow sleeps at most; whoever lets the flow go on wakes it."""

_SKIPPED = (HandOver, CreateTask, CallWebhook)
"""What a flow that goes on while it is paused keeps from others, apart from its mails; what the lead is goes on."""


def advance(flow: Flow, cursor: Cursor, facts: Facts, now: datetime) -> Move:
    """The next move of a lead that stands at `cursor`. Total: every valid flow and cursor has one."""
    facts = replace(facts, stay=Stay(cursor.entered, cursor.since))
    if ended := _ended(flow, facts, now):
        return Move(cursor, done=ended)
    if waiting := _not_yet(flow, cursor, now):
        return waiting
    if cursor.step is None:
        return Move(cursor, done="finished")
    match flow.steps.get(cursor.step):
        case None:
            return Move(cursor, done="step_removed")
        case Email() as step:
            return _email(flow, step, cursor, facts, now)
        case Wait() as step:
            return _wait(flow, step, cursor, facts, now)
        case WaitUntil() as step:
            return _wait_until(flow, step, cursor, facts, now)
        case WaitFor() as step:
            return _wait_for(flow, step, cursor, facts, now)
        case Branch() as step:
            return Move(cursor.to(_branch(step, facts, now), now))
        case Split() as step:
            return Move(cursor.to(_arm(flow, step, cursor, facts), now))
        case Act() as step:
            skipped = flow.paused and isinstance(step.effect, _SKIPPED)
            effect = None if skipped else step.effect
            return Move(cursor.to(step.next, now), effect=effect)
        case Goto() as step:
            return Move(cursor, effect=Enrol(step.flow), done="moved")
        case End() as step:
            return Move(cursor, done=step.reason)


def listens(flow: Flow) -> frozenset[str]:
    """The topics that can end any enrolment in the flow, wherever it stands."""
    conditions = [*flow.exits, *([flow.goal] if flow.goal else [])]
    return frozenset().union(*(condition.topics for condition in conditions))


def mail_due(flow: Flow, cursor: Cursor, facts: Facts, at: datetime) -> bool:
    """Whether the lead's next mail is due `at` that time, as far as one can tell from what is known now."""
    while True:
        move = advance(flow, cursor, facts, at)
        if isinstance(move.effect, SendMail):
            return True
        if move.done or move.wake_at:
            return False
        cursor = move.cursor


def _ended(flow: Flow, facts: Facts, now: datetime) -> str | None:
    if facts.lead.erased:
        return "erased"
    if flow.goal and flow.goal(facts, now):
        return "goal"
    return "exit" if any(condition(facts, now) for condition in flow.exits) else None


def _not_yet(flow: Flow, cursor: Cursor, now: datetime) -> Move | None:
    """Before its own start, and in a flow that is held, a lead stands still."""
    if flow.paused is Paused.HOLD:
        return Move(cursor, wake_at=now + _HELD, listens=listens(flow), why="paused")
    if cursor.entered and now < cursor.entered:
        return Move(cursor, wake_at=cursor.entered, listens=listens(flow))
    return None


def once_more(
    flow: Flow, step: str, facts: Facts, now: datetime, since: datetime
) -> SendMail | RefuseMail | gate.Hold:
    """A mail that certainly never went out, as one knows `since` then, wherever the lead stands by now. The gate is
    asked anew."""
    email = flow.steps.get(step)
    if not isinstance(email, Email):
        return RefuseMail(step, "", "step_removed")
    template = email.for_persona(facts.lead.persona)
    match gate.ask(flow.mail, facts, now, waiting_since=since):
        case gate.Send():
            return SendMail(step, template)
        case gate.Refuse(reason):
            return RefuseMail(step, template, reason)
        case gate.Hold() as held:
            return held


def _email(flow: Flow, step: Email, cursor: Cursor, facts: Facts, now: datetime) -> Move:
    assert cursor.step is not None
    past = cursor.to(step.next, now)
    template = step.for_persona(facts.lead.persona)
    if flow.paused:
        return Move(past, effect=RefuseMail(cursor.step, template, "paused"))
    match gate.ask(flow.mail, facts, now, waiting_since=cursor.since):
        case gate.Send():
            return Move(past, effect=SendMail(cursor.step, template))
        case gate.Refuse(reason):
            return Move(past, effect=RefuseMail(cursor.step, template, reason))
        case gate.Hold(why, until, topics_):
            heard = topics_ | frozenset({topics.CONSENT}) | listens(flow)
            return Move(cursor, wake_at=until, listens=heard, why=why)


def _wait(flow: Flow, step: Wait, cursor: Cursor, facts: Facts, now: datetime) -> Move:
    until = step.span.after(cursor.since, flow.calendar)
    if step.window:
        window = step.window.in_zone(facts.lead.zone if step.window_in_lead_zone else None)
        until = window.next_open(until) or until
    if now >= until:
        return Move(cursor.to(step.next, now))
    return Move(cursor, wake_at=until, listens=listens(flow))


def _wait_until(flow: Flow, step: WaitUntil, cursor: Cursor, facts: Facts, now: datetime) -> Move:
    until = step.moment(facts.lead, flow.calendar)
    if until is None:
        return Move(cursor.to(step.otherwise, now))
    if now >= until:
        return Move(cursor.to(step.next, now))
    told = frozenset({topics.LEAD} if step.trait else ())
    return Move(cursor, wake_at=until, listens=told | listens(flow))


def _wait_for(flow: Flow, step: WaitFor, cursor: Cursor, facts: Facts, now: datetime) -> Move:
    if any(_answers(flow, step, touch, cursor) for touch in facts.touches):
        return Move(cursor.to(step.then, now))
    if step.when and step.when(facts, now):
        return Move(cursor.to(step.then, now))
    deadline = step.within.after(cursor.since, flow.calendar)
    if now >= deadline:
        return Move(cursor.to(step.otherwise, now))
    awaited = step.when.topics if step.when else frozenset()
    look = deadline
    if topics.CLOCK in awaited:
        pause = max((deadline - cursor.since) / _LOOKS, timedelta.resolution)
        look = min(deadline, now + pause)
    if step.touch:
        awaited |= {topics.touch(step.touch)}
    return Move(cursor, wake_at=look, listens=awaited | listens(flow))


def _answers(flow: Flow, step: WaitFor, touch: Touch, cursor: Cursor) -> bool:
    """A human touch of that name in this run; of a named step at any time, else heard of since."""
    if touch.name != step.touch or touch.machine:
        return False
    if cursor.entered and touch.at < cursor.entered:
        return False
    if step.of:
        of_flow = touch.properties.get("flow") in (flow.id, *flow.formerly)
        return of_flow and touch.properties.get("step") in flow.names_of(step.of)
    return (touch.known_at if cursor.entered and touch.known_at else touch.at) > cursor.since


def _branch(step: Branch, facts: Facts, now: datetime) -> str | None:
    """The first arm whose condition holds."""
    hits = (target for condition, target in step.arms if condition(facts, now))
    return next(hits, step.otherwise)


def _arm(flow: Flow, step: Split, cursor: Cursor, facts: Facts) -> str | None:
    """Sticky by lead: the arm depends on ids only, those of old, and on the shares, however they are written. So
    neither an edit elsewhere nor another name moves anybody, and other shares leave most where they were."""
    assert cursor.step is not None
    place = f"{flow.root}/{flow.root_of(cursor.step)}/{facts.lead.id}"
    drawn = int.from_bytes(sha256(place.encode()).digest()[:8], "big")
    point = drawn * sum(weight for weight, _ in step.arms) >> 64
    for weight, target in step.arms:
        if point < weight:
            return target
        point -= weight
    raise AssertionError("weights are positive, so some arm was taken")
