"""Steps and durations in words, for people who look at a flow or read what an edit changes."""

from collections.abc import Callable
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

Say = Callable[[str], str]
"""Puts a text of ours into the reader's language; what a playbook says is never put through it."""


def length_words(length: timedelta, say: Say = str) -> str:
    """`3 days`; the largest unit that it is a whole number of."""
    seconds = abs(length.total_seconds())
    units = (
        (604_800, say("1 week"), say("%(num)s weeks")),
        (86_400, say("1 day"), say("%(num)s days")),
        (3600, say("1 hour"), say("%(num)s hours")),
        (60, say("1 minute"), say("%(num)s minutes")),
    )
    for size, one, many in units:
        if seconds >= size and seconds % size == 0:
            return _many(int(seconds // size), one, many)
    return say("%(num)s seconds") % {"num": f"{seconds:g}"}


def span_words(span: Span, say: Say = str) -> str:
    if span.business_days is not None:
        return _many(span.business_days, say("1 business day"), say("%(num)s business days"))
    if span.open_time is not None:
        hours = f"{span.open_time.total_seconds() / 3600:g}"
        return say("%(num)s business hours") % {"num": hours}
    return length_words(span.elapsed, say)


def step_words(step: Step, say: Say = str) -> str:
    """What the step does, without where it leads."""
    match step:
        case Email():
            variants = "".join(f", {name}: {mail}" for name, mail in step.variants.items())
            return say("mail %(mail)s") % {"mail": f"{step.template}{variants}"}
        case Wait():
            return _wait(step, say)
        case WaitUntil():
            return say("wait until %(moment)s") % {"moment": _moment(step, say)}
        case WaitFor():
            return _wait_for(step, say)
        case Branch():
            arms = "; ".join(condition.source for condition, _ in step.arms)
            return say("branch on %(conditions)s") % {"conditions": arms}
        case Split():
            return say("split %(shares)s") % {"shares": ":".join(str(w) for w, _ in step.arms)}
        case Act():
            return effect_words(step.effect, say)
        case Goto():
            return say("go to %(flow)s") % {"flow": step.flow}
        case End():
            return say("end (%(reason)s)") % {"reason": step.reason}


def effect_words(effect: Effect, say: Say = str) -> str:
    match effect:
        case ChangeAudience(audience, add):
            told = say("add to audience %(name)s") if add else say("remove from audience %(name)s")
            return told % {"name": audience}
        case CreateTask():
            kind = key_words(effect.kind, say)
            task = {"team": effect.team, "kind": kind, "title": effect.title}
            return say("task for %(team)s: %(kind)s, %(title)s") % task
        case HandOver(reason, team):
            told = (
                say("hand over to %(team)s: %(reason)s") if team else say("hand over: %(reason)s")
            )
            return told % {"team": team, "reason": reason}
        case SetTrait(name, value):
            return say("set %(name)s to %(value)s") % {"name": name, "value": value}
        case SetTag(tag, add):
            return (say("tag %(tag)s") if add else say("untag %(tag)s")) % {"tag": tag}
        case CallWebhook(_, endpoint):
            return say("tell %(endpoint)s") % {"endpoint": endpoint}
        case _:
            return type(effect).__name__


def key_words(name: str, say: Say = str) -> str:
    """The name of a touch, or of a kind of task, unless there is a word for it."""
    plain = name.replace("_", " ").capitalize()
    return name if (told := say(plain)) == plain else told.lower()


def _wait(step: Wait, say: Say) -> str:
    long = span_words(step.span, say) if step.span != Span() else ""
    if not step.window:
        return say("wait %(time)s") % {"time": long}
    if not long:
        return say("wait until the send window opens")
    return say("wait %(time)s until the send window opens") % {"time": long}


def _wait_for(step: WaitFor, say: Say) -> str:
    what = key_words(step.touch, say) if step.touch else step.when.source if step.when else ""
    told = {"what": what, "of": step.of, "time": span_words(step.within, say)}
    if step.of:
        return say("wait for %(what)s of %(of)s, at most %(time)s") % told
    return say("wait for %(what)s, at most %(time)s") % told


def _moment(step: WaitUntil, say: Say) -> str:
    base = step.trait or (step.date.isoformat(" ", "minutes") if step.date else say("never"))
    if not step.offset:
        return base
    before = step.offset < timedelta()
    told = say("%(time)s before %(moment)s") if before else say("%(time)s after %(moment)s")
    return told % {"time": length_words(step.offset, say), "moment": base}


def _many(number: int, one: str, many: str) -> str:
    return one if number == 1 else many % {"num": number}
