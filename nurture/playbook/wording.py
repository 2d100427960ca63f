"""Steps and durations in words, for people who read what an edit changes."""

from datetime import timedelta

from nurture.domain.calendar import Span
from nurture.domain.effects import (
    CallWebhook,
    ChangeAudience,
    CreateTask,
    Effect,
    HandOver,
    SetTag,
    SetTrait,
)
from nurture.domain.flow import (
    Act,
    Branch,
    Email,
    End,
    Goto,
    Split,
    Step,
    Wait,
    WaitFor,
    WaitUntil,
)

_UNITS = (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60))


def length_words(length: timedelta) -> str:
    """`3 days`; the largest unit that it is a whole number of."""
    seconds = abs(length.total_seconds())
    for unit, size in _UNITS:
        if seconds >= size and seconds % size == 0 and (unit != "week" or seconds % 604_800 == 0):
            return _many(int(seconds // size), unit)
    return f"{seconds:g} seconds"


def span_words(span: Span) -> str:
    if span.business_days is not None:
        return _many(span.business_days, "business day")
    if span.open_time is not None:
        return f"{span.open_time.total_seconds() / 3600:g} business hours"
    return length_words(span.elapsed)


def step_words(step: Step) -> str:
    """What the step does, without where it leads."""
    match step:
        case Email():
            variants = "".join(f", {name}: {mail}" for name, mail in step.variants.items())
            return f"mail {step.template}{variants}"
        case Wait():
            long = span_words(step.span) if step.span != Span() else ""
            window = "until the send window opens" if step.window else ""
            return " ".join(["wait", *filter(None, (long, window))])
        case WaitUntil():
            return f"wait until {_moment(step)}"
        case WaitFor():
            what = step.touch or (step.when.source if step.when else "")
            of = f" of {step.of}" if step.of else ""
            return f"wait for {what}{of}, at most {span_words(step.within)}"
        case Branch():
            return "branch on " + "; ".join(condition.source for condition, _ in step.arms)
        case Split():
            return "split " + ":".join(str(weight) for weight, _ in step.arms)
        case Act():
            return effect_words(step.effect)
        case Goto():
            return f"go to {step.flow}"
        case End():
            return f"end ({step.reason})"


def effect_words(effect: Effect) -> str:
    match effect:
        case ChangeAudience(audience, add):
            return f"{'add to' if add else 'remove from'} audience {audience}"
        case CreateTask():
            return f"task for {effect.team}: {effect.kind}, {effect.title}"
        case HandOver(reason, team):
            return f"hand over{f' to {team}' if team else ''}: {reason}"
        case SetTrait(name, value):
            return f"set {name} to {value}"
        case SetTag(tag, add):
            return f"{'tag' if add else 'untag'} {tag}"
        case CallWebhook(_, endpoint):
            return f"tell {endpoint}"
        case _:
            return type(effect).__name__


def _moment(step: WaitUntil) -> str:
    base = step.trait or (step.date.isoformat(" ", "minutes") if step.date else "never")
    if not step.offset:
        return base
    side = "before" if step.offset < timedelta() else "after"
    return f"{length_words(step.offset)} {side} {base}"


def _many(number: int, unit: str) -> str:
    return f"{number} {unit}" + ("" if number == 1 else "s")
