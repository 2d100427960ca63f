"""The shape of config/flows/*.yaml: a flow and its steps. One step does one thing, named by its verb."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

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
    "goto",
)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


EntryTopics = Annotated[
    list[f.EntryTopic],
    Field(min_length=1),
    BeforeValidator(_as_list, json_schema_input_type=str | list[str]),
]


class Enter(f.Model):
    on: EntryTopics
    stage: f.StageName | None = None
    when: f.When | None = None
    again: f.Again = None

    @model_validator(mode="after")
    def _stage_needs_its_trigger(self) -> Self:
        if self.stage and "stage" not in self.on:
            raise f.refusal(wrong('"stage" narrows "on: stage" only', "write on: stage"))
        return self


class SendWindow(f.Model):
    days: f.Days
    hours: f.Hours
    timezone: f.ZoneOrLead | None = None
    holidays: f.Country | None = None


class Step(f.Model):
    id: f.Slug | None = None


class Email(Step):
    email: f.TemplateName


class Wait(Step):
    wait: f.Duration


class Awaited(f.Model):
    touch: f.TouchName | None = None
    of: f.Slug | None = None
    when: f.When | None = None
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
    when: Annotated[f.When, Field(alias="if")]
    do: list["AnyStep"]


class Branch(Step):
    branch: Annotated[list[Arm], Field(min_length=1)]
    otherwise: Annotated[list["AnyStep"], Field(alias="else", default_factory=list)]


class Share(f.Model):
    weight: Annotated[int, Field(ge=1, le=1_000_000)]
    do: list["AnyStep"]


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


class CreateTask(Step):
    task: Task


class Handover(f.Model):
    reason: f.Text


class HandOver(Step):
    handover: Handover


class Setting(f.Model):
    trait: f.TraitName
    value: f.Plain


class SetTrait(Step):
    set: Setting


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
    | Annotated[Goto, Tag("<goto>")]
    | Annotated[Literal["end"], Tag("<end>")],
    Discriminator(_verb),
]


class Flow(f.Model):
    """One file of config/flows/"""

    flow: f.Slug
    title: f.Text
    consent: Purpose = "email_marketing"
    about: list[f.Slug] = Field(default_factory=list)
    enter: Enter
    goal: f.When | None = None
    exit: list[f.When] = Field(default_factory=list)
    send_window: SendWindow | None = None
    sender: f.SenderName | None = None
    live: bool = True
    steps: Annotated[list[AnyStep], Field(min_length=1)]


for _model in (WaitFor, Arm, Branch, Share, Split, Flow):
    _model.model_rebuild()
