"""The shape of config/flows/*.yaml: a flow and its steps. One step does one thing, named by its verb."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from nurture.domain.calendar import Span
from nurture.domain.enrolment import CONDITION
from nurture.playbook import fields as f
from nurture.playbook.findings import wrong
from nurture.playbook.schema import Purpose

END = "end"
VERBS = (
    "email",
    "wait",
    "wait_for",
    "branch",
    "split",
    "audience",
    "task",
    "handover",
    "set",
    "tag",
    "webhook",
    "goto",
)


Was = Annotated[list[f.Slug], BeforeValidator(f.as_list, json_schema_input_type=str | list[str])]
"""Earlier names of what has this key."""

EntryTopics = Annotated[
    list[f.EntryTopic],
    Field(min_length=1),
    BeforeValidator(f.as_list, json_schema_input_type=str | list[str]),
]


class Shift(f.Model):
    """So long before or after a date."""

    before: f.Elapsed | None = None
    after: f.Elapsed | None = None

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.before and self.after:
            raise f.refusal(wrong('"before" and "after" contradict each other', "keep one"))
        return self

    @property
    def offset(self) -> timedelta:
        return (self.after or timedelta()) - (self.before or timedelta())


class OnDate(Shift):
    trait: f.DateTrait


class Enter(f.Model):
    on: EntryTopics
    stage: f.StageName | None = None
    date: OnDate | None = None
    when: f.When | None = None
    again: f.Again = None
    a_day: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _what_belongs_together(self) -> Self:
        if self.stage and "stage" not in self.on:
            raise f.refusal(wrong('"stage" narrows "on: stage" only', "write on: stage"))
        if (f.DATE in self.on) != (self.date is not None) or (self.date and len(self.on) > 1):
            text = '"on: date" stands alone and needs the date'
            raise f.refusal(
                wrong(text, "such as {on: date, date: {trait: trial_ends, before: 7 days}}")
            )
        if CONDITION in self.on and self.when is None:
            raise f.refusal(wrong('"on: condition" needs the condition', "give it as when"))
        if self.again == f.LAPSED and (self.when is None or self.date):
            raise f.refusal(wrong("nothing can lapse here", "give a condition as when"))
        if CONDITION in self.on and self.again == Span():
            text = "a condition that holds would start the flow again and again"
            raise f.refusal(wrong(text, f'write again: "{f.LAPSED}"'))
        return self


class SendWindow(f.Model):
    days: f.Days
    hours: f.Hours
    timezone: f.ZoneOrLead | None = None
    holidays: f.Country | None = None


class Step(f.Model):
    id: f.Slug | None = None
    was: Was = Field(default_factory=list)


def _need_default(variants: dict[str, str]) -> dict[str, str]:
    if f.DEFAULT not in variants:
        raise f.refusal(wrong("the other personas get no mail", "add default: <template>"))
    return variants


Variants = Annotated[dict[f.Variant, f.TemplateName], AfterValidator(_need_default)]


class Email(Step):
    email: Annotated[
        Annotated[f.TemplateName, Tag("<text>")] | Annotated[Variants, Tag("<mapping>")],
        Discriminator(f.written_out),
    ]

    @property
    def template(self) -> str:
        return self.email if isinstance(self.email, str) else self.email[f.DEFAULT]

    @property
    def variants(self) -> dict[str, str]:
        mails = {} if isinstance(self.email, str) else self.email
        return {persona: mail for persona, mail in mails.items() if persona != f.DEFAULT}


class Until(Shift):
    until: f.Until
    at_least: f.Duration | None = None

    @model_validator(mode="after")
    def _what_can_be_moved(self) -> Self:
        if self.at_least and self.until != f.WINDOW:
            text = '"at_least" goes with "until: window" only'
            raise f.refusal(wrong(text, "put a wait before this one"))
        if self.offset and self.until == f.WINDOW:
            raise f.refusal(wrong("a window cannot be moved", "write at_least: 2 days"))
        return self


class Wait(Step):
    wait: Annotated[
        Annotated[f.Duration, Tag("<text>")] | Annotated[Until, Tag("<mapping>")],
        Discriminator(f.written_out),
    ]
    otherwise: Annotated[list["AnyStep"], Field(alias="else", default_factory=list)]

    @model_validator(mode="after")
    def _else_is_for_traits(self) -> Self:
        of_lead = isinstance(self.wait, Until) and isinstance(self.wait.until, str)
        if self.otherwise and not (of_lead and self.wait.until != f.WINDOW):  # type: ignore[union-attr]
            text = '"else" is for leads whose date is not known'
            raise f.refusal(wrong(text, "leave it out, or wait until a trait"))
        return self


class Awaited(f.Model):
    touch: f.TouchName | None = None
    of: f.Slug | None = None
    when: f.FlowWhen | None = None
    within: f.Duration

    @model_validator(mode="after")
    def _something_is_awaited(self) -> Self:
        if self.touch is None and self.when is None:
            raise f.refusal(wrong("nothing is waited for", "give a touch, or a condition as when"))
        if self.of and self.touch is None:
            raise f.refusal(wrong('"of" names the mail of a touch', "give the touch, too"))
        return self


class WaitFor(Step):
    wait_for: Awaited
    then: list["AnyStep"] = Field(default_factory=list)
    otherwise: Annotated[list["AnyStep"], Field(alias="else", default_factory=list)]


class Arm(f.Model):
    when: Annotated[f.FlowWhen, Field(alias="if")]
    do: list["AnyStep"]


class Branch(Step):
    branch: Annotated[list[Arm], Field(min_length=1)]
    otherwise: Annotated[list["AnyStep"], Field(alias="else", default_factory=list)]


class Share(f.Model):
    weight: Annotated[int, Field(ge=1, le=1_000_000)]
    do: list["AnyStep"] = Field(default_factory=list)
    holdout: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.holdout == ("do" in self.model_fields_set):
            text = (
                "a share does something, or is held out"
                if self.holdout
                else 'the key "do" is missing'
            )
            raise f.refusal(wrong(text, "write do: [...] or holdout: true"))
        return self


class Split(Step):
    split: Annotated[list[Share], Field(min_length=2)]


class Audience(f.Model):
    add: f.AudienceName | None = None
    remove: f.AudienceName | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.add is None) == (self.remove is None):
            raise f.refusal(wrong("this should be one change", 'such as "audience: {add: ...}"'))
        return self


class ChangeAudience(Step):
    audience: Audience


class Tagging(f.Model):
    add: f.Slug | None = None
    remove: f.Slug | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.add is None) == (self.remove is None):
            raise f.refusal(wrong("this should be one change", 'such as "tag: {add: ...}"'))
        return self


class SetTag(Step):
    tag: Tagging


class Task(f.Model):
    kind: Literal["call", "mail", "meeting"]
    to: f.TeamName
    title: f.OneLine
    within: f.Duration | None = None


class CreateTask(Step):
    """With `within` the lead waits until the task is done, or overdue."""

    task: Task
    then: list["AnyStep"] = Field(default_factory=list)
    otherwise: Annotated[list["AnyStep"], Field(alias="else", default_factory=list)]

    @model_validator(mode="after")
    def _waits_for_an_end(self) -> Self:
        if (self.then or self.otherwise) and self.task.within is None:
            text = '"then" and "else" need a time for the task'
            raise f.refusal(wrong(text, "give within: 2 business days to the task"))
        return self


class Handover(f.Model):
    reason: f.Text
    to: f.TeamName | None = None


class HandOver(Step):
    handover: Handover


class Setting(f.Model):
    trait: f.TraitName
    value: f.Plain


class SetTrait(Step):
    set: Setting


class Webhook(Step):
    webhook: f.WebhookName


class Goto(Step):
    goto: f.FlowName


def _verb(data: Any) -> str | None:
    """Which kind of step this is. The brackets tell a tag from a key when an error is placed."""
    if data == END:
        return f"<{END}>"
    verbs = [verb for verb in VERBS if isinstance(data, dict) and verb in data]
    return f"<{verbs[0]}>" if verbs else None


AnyStep = Annotated[
    Annotated[Email, Tag("<email>")]
    | Annotated[Wait, Tag("<wait>")]
    | Annotated[WaitFor, Tag("<wait_for>")]
    | Annotated[Branch, Tag("<branch>")]
    | Annotated[Split, Tag("<split>")]
    | Annotated[ChangeAudience, Tag("<audience>")]
    | Annotated[CreateTask, Tag("<task>")]
    | Annotated[HandOver, Tag("<handover>")]
    | Annotated[SetTrait, Tag("<set>")]
    | Annotated[SetTag, Tag("<tag>")]
    | Annotated[Webhook, Tag("<webhook>")]
    | Annotated[Goto, Tag("<goto>")]
    | Annotated[Literal["end"], Tag("<end>")],
    Discriminator(_verb),
]


class Flow(f.Model):
    """One file of config/flows/"""

    flow: f.Slug
    title: f.Text
    consent: Purpose = "email_marketing"
    transactional: bool = False
    about: list[f.Slug] = Field(default_factory=list)
    enter: Enter
    goal: f.FlowWhen | None = None
    exit: list[f.FlowWhen] = Field(default_factory=list)
    send_window: SendWindow | None = None
    sender: f.SenderName | None = None
    live: bool = True
    start: f.Date | None = None
    end: f.Date | None = None
    paused: Literal["hold", "skip"] | None = None
    priority: Annotated[int, Field(ge=0, le=100)] = 0
    subscription: f.SubscriptionName | None = None
    if_held: Literal["wait", "skip"] = "wait"
    in_flight: Literal["follow", "finish_old", "exit"] = "follow"
    was: Was = Field(default_factory=list)
    steps: Annotated[list[AnyStep], Field(min_length=1)]


for _model in (Wait, WaitFor, Arm, Branch, Share, Split, CreateTask, Flow):
    _model.model_rebuild()
