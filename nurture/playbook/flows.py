"""A flow as written, nested lists and all -> the core's graph of steps."""

from dataclasses import dataclass, field, replace

from nurture.domain import flow as core
from nurture.domain.calendar import Calendar, no_holidays
from nurture.domain.enrolment import Entry
from nurture.domain.gate import MAX_HOLD, FrequencyCap, MailRules
from nurture.playbook import flow_schema as s
from nurture.playbook.document import Path
from nurture.playbook.durations import Durations
from nurture.playbook.naming import Naming, Steps


@dataclass(frozen=True)
class Surroundings:
    """What flows take from the rest of the playbook."""

    durations: Durations
    business_hours: Calendar
    cap: FrequencyCap | None


def entry(model: s.Flow) -> Entry:
    """Who may enter. `by_hand` alone is an entry that nothing triggers."""
    return Entry(
        on=frozenset(topic for topic in model.enter.on if topic),
        stage=model.enter.stage,
        when=model.enter.when,
        again=model.enter.again,
    )


def flow(model: s.Flow, naming: Naming, around: Surroundings) -> core.Flow:
    """The compiled flow; `naming` holds the ids of its steps."""
    linking = _Linking(naming)
    first = linking.chain(model.steps, ("steps",), None)
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
    )


def _mail_rules(model: s.Flow, around: Surroundings) -> MailRules:
    rules = MailRules(
        purpose=model.consent,
        about=frozenset(model.about),
        cap=around.cap,
        max_hold=around.durations.scale(MAX_HOLD),
    )
    window = model.send_window
    if window is None or around.durations.compressed:
        return rules
    in_lead_zone = window.timezone == "lead"
    zone = (
        around.business_hours.zone if isinstance(window.timezone, str | None) else window.timezone
    )
    opens, closes = window.hours
    calendar = Calendar(window.days, opens, closes, zone, window.holidays or no_holidays)
    return replace(rules, window=calendar, window_in_lead_zone=in_lead_zone)


@dataclass
class _Linking:
    """Gives each step the id of the one that follows, from the end of each list to its beginning."""

    naming: Naming
    steps: dict[str, core.Step] = field(default_factory=dict)

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
                return core.Email(step.email, after)
            case s.Wait():
                return core.Wait(step.wait, next=after)
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
                    (share.weight, self.chain(share.do, (*path, "split", index, "do"), after))
                    for index, share in enumerate(step.split)
                )
                return core.Split(shares)
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

    def _effect(self, step: s.Step, path: Path) -> core.Effect:
        match step:
            case s.ChangeAudience(audience=change):
                return core.ChangeAudience(change.add or change.remove or "", add=bool(change.add))
            case s.CreateTask(task=task):
                return core.CreateTask(self.naming.ids[path], task.kind, task.to, task.title)
            case s.SetTrait(set=setting):
                return core.SetTrait(setting.trait, setting.value)
            case s.SetTag(tag=tagging):
                return core.SetTag(tagging.add or tagging.remove or "", add=bool(tagging.add))
            case s.HandOver():
                return core.HandOver(step.handover.reason)
            case _:
                raise AssertionError(f"{type(step).__name__} is linked elsewhere")
