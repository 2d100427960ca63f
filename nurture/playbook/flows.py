"""A flow as written, nested lists and all -> the core's graph of steps."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

from nurture.domain import flow as core
from nurture.domain.calendar import Calendar, Span, no_holidays
from nurture.domain.enrolment import Entry
from nurture.domain.gate import MAX_HOLD, FrequencyCap, MailRules
from nurture.domain.topics import LEAD
from nurture.playbook import flow_schema as s
from nurture.playbook import meaning
from nurture.playbook.document import Path
from nurture.playbook.durations import Durations
from nurture.playbook.fields import LAPSED, WINDOW
from nurture.playbook.naming import DONE, ON_DATE, STILL_WANTED, Naming, Steps


@dataclass(frozen=True)
class Surroundings:
    """What flows take from the rest of the playbook."""

    durations: Durations
    business_hours: Calendar
    cap: FrequencyCap | None
    soft_bounces: int


def entry(model: s.Flow, naming: Naming, around: Surroundings) -> Entry:
    """Who may enter. `by_hand` alone is an entry that nothing triggers."""
    enter, again = model.enter, model.enter.again
    dated = enter.date is not None
    return Entry(
        on=frozenset({LEAD}) if dated else frozenset(topic for topic in enter.on if topic),
        stage=enter.stage,
        when=enter.when,
        again=again if isinstance(again, Span) else None,
        lapse=again == LAPSED,
        a_day=_pace(enter.a_day, around.durations),
        opens=_local(model.start, around),
        closes=_local(model.end, around, whole_day=True),
        date=_until_date(model.enter.date) if dated else None,
        calendar=around.business_hours,
    )


def _pace(a_day: int | None, durations: Durations) -> int | None:
    """At a pace a day is shorter, so more enter in a real one."""
    return a_day and round(a_day * (timedelta(days=1) / durations.day))


def _local(
    written: datetime | None, around: Surroundings, whole_day: bool = False
) -> datetime | None:
    """The moment on the company's clock; `whole_day`: a day without a time counts to its end."""
    if written is None:
        return None
    if whole_day and written.time() == time() and written.tzinfo is None:
        written += timedelta(days=1)
    return written.replace(tzinfo=written.tzinfo or around.business_hours.zone).astimezone(UTC)


def _until_date(on: s.OnDate | None) -> core.WaitUntil:
    assert on is not None
    return core.WaitUntil(trait=on.trait, offset=on.offset)


def flow(model: s.Flow, naming: Naming, around: Surroundings) -> core.Flow:
    """The compiled flow; `naming` holds the ids of its steps."""
    linking = _Linking(naming, _window(model, around), _in_lead_zone(model))
    first = linking.entrance(model, linking.chain(model.steps, ("steps",), None))
    in_file_order = {name: linking.steps[name] for name in naming.ids.values()}
    return core.Flow(
        id=model.flow,
        title=model.title,
        steps=in_file_order,
        first=first,
        goal=model.goal,
        exits=tuple(model.exit),
        mail=_mail_rules(model, around),
        calendar=around.business_hours,
        live=model.live,
        paused=core.Paused(model.paused) if model.paused else None,
        in_flight=core.InFlight(model.in_flight),
        was=naming.was,
        formerly=frozenset(model.was),
        revision=meaning.revision(model, naming),
        outline=meaning.outline(model, naming),
    )


def _mail_rules(model: s.Flow, around: Surroundings) -> MailRules:
    rules = MailRules(
        purpose=model.consent,
        transactional=model.transactional,
        about=frozenset(model.about),
        cap=around.cap,
        max_hold=around.durations.scale(MAX_HOLD),
        priority=model.priority,
        subscription=model.subscription,
        soft_bounces=around.soft_bounces,
        waits=model.if_held == "wait",
    )
    calendar = _window(model, around)
    if calendar is None:
        return rules
    return replace(rules, window=calendar, window_in_lead_zone=_in_lead_zone(model))


def _in_lead_zone(model: s.Flow) -> bool:
    return model.send_window is not None and model.send_window.timezone == "lead"


def _window(model: s.Flow, around: Surroundings) -> Calendar | None:
    """When the flow's mails may go out; None: at all times, as under a pace."""
    window = model.send_window
    if window is None or around.durations.compressed:
        return None
    zone = (
        around.business_hours.zone if isinstance(window.timezone, str | None) else window.timezone
    )
    opens, closes = window.hours
    return Calendar(window.days, opens, closes, zone, window.holidays or no_holidays)


@dataclass
class _Linking:
    """Gives each step the id of the one that follows, from the end of each list to its beginning."""

    naming: Naming
    window: Calendar | None
    window_in_lead_zone: bool
    steps: dict[str, core.Step] = field(default_factory=dict)

    def entrance(self, model: s.Flow, first: str | None) -> str | None:
        """Where leads begin: before the first step, if they enter on a date."""
        if model.enter.date is None:
            return first
        date, wanted = self.naming.ids[ON_DATE], self.naming.ids[STILL_WANTED]
        when = model.enter.when
        self.steps[wanted] = (
            core.Branch(((when, first),)) if when else core.Branch((), otherwise=first)
        )
        self.steps[date] = replace(_until_date(model.enter.date), next=wanted)
        return date

    def chain(self, steps: Steps, path: Path, after: str | None) -> str | None:
        """The id of the list's first step; `after` is where its last one leads."""
        target = after
        for index in range(len(steps) - 1, -1, -1):
            step, here = steps[index], (*path, index)
            if isinstance(step, str):
                target = None
                continue
            name = self.naming.ids[here]
            self.steps[name] = self._link(step, here, target)
            target = name
        return target

    def _link(self, step: s.Step, path: Path, after: str | None) -> core.Step:
        match step:
            case s.Email():
                return core.Email(step.template, after, step.variants)
            case s.Wait():
                return self._wait(step, path, after)
            case s.WaitFor():
                return self._wait_for(step, path, after)
            case s.Branch():
                arms = tuple(
                    (arm.when, self.chain(arm.do, (*path, "branch", index, "do"), after))
                    for index, arm in enumerate(step.branch)
                )
                return core.Branch(arms, self.chain(step.otherwise, (*path, "else"), after))
            case s.Split():
                shares = tuple(
                    (share.weight, self._share(share, (*path, "split", index), after))
                    for index, share in enumerate(step.split)
                )
                return core.Split(shares)
            case s.CreateTask():
                return self._task(step, path, after)
            case s.Goto():
                return core.Goto(step.goto)
            case _:
                return core.Act(self._effect(step, path), after)

    def _wait_for(self, step: s.WaitFor, path: Path, after: str | None) -> core.WaitFor:
        awaited = step.wait_for
        return core.WaitFor(
            within=awaited.within,
            touch=awaited.touch,
            of=awaited.of,
            when=awaited.when,
            then=self.chain(step.then, (*path, "then"), after),
            otherwise=self.chain(step.otherwise, (*path, "else"), after),
        )

    def _wait(self, step: s.Wait, path: Path, after: str | None) -> core.Step:
        wait = step.wait
        if isinstance(wait, Span):
            return core.Wait(wait, next=after)
        if wait.until == WINDOW:
            span = wait.at_least or Span()
            return core.Wait(span, self.window, after, self.window_in_lead_zone)
        known = isinstance(wait.until, datetime)
        return core.WaitUntil(
            date=wait.until if isinstance(wait.until, datetime) else None,
            trait=None if known else str(wait.until),
            offset=wait.offset,
            next=after,
            otherwise=self.chain(step.otherwise, (*path, "else"), after),
        )

    def _task(self, step: s.CreateTask, path: Path, after: str | None) -> core.Act:
        """With a time for it, the lead stays until the task is done or overdue."""
        effect = self._effect(step, path)
        if step.task.within is None:
            return core.Act(effect, after)
        done = self.naming.ids[(*path, *DONE)]
        self.steps[done] = core.WaitFor(
            within=step.task.within,
            touch="task_done",
            of=self.naming.ids[path],
            then=self.chain(step.then, (*path, "then"), after),
            otherwise=self.chain(step.otherwise, (*path, "else"), after),
        )
        return core.Act(effect, done)

    def _share(self, share: s.Share, path: Path, after: str | None) -> str | None:
        if not share.holdout:
            return self.chain(share.do, (*path, "do"), after)
        name = self.naming.ids[(*path, "holdout")]
        self.steps[name] = core.End("holdout")
        return name

    def _effect(self, step: s.Step, path: Path) -> core.Effect:
        match step:
            case s.ChangeAudience(audience=change):
                return core.ChangeAudience(change.add or change.remove or "", add=bool(change.add))
            case s.CreateTask(task=task):
                return core.CreateTask(
                    self.naming.ids[path], task.kind, task.to, task.title, task.within
                )
            case s.SetTrait(set=setting):
                return core.SetTrait(setting.trait, setting.value)
            case s.SetTag(tag=tagging):
                return core.SetTag(tagging.add or tagging.remove or "", add=bool(tagging.add))
            case s.HandOver():
                return core.HandOver(step.handover.reason, step.handover.to)
            case s.Webhook():
                return core.CallWebhook(self.naming.ids[path], step.webhook)
            case _:
                raise AssertionError(f"{type(step).__name__} is linked elsewhere")
