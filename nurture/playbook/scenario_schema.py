"""The shape of config/scenarios/*.yaml: a lead, what it does, and what a marketer expects to come of it."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from nurture.playbook import fields as f
from nurture.playbook.findings import suggest, wrong
from nurture.playbook.schema import Purpose

OWN = (
    "id",
    "email",
    "stage",
    "tags",
    "consents",
    "open_cases",
    "suppressed",
    "timezone",
    "language",
)
"""What an invented lead has besides its traits."""

FORMS = {
    "mail": "mail {about}",
    "refused": "no mail {about}",
    "held": "waits: {about}",
    "touch": "does {about}",
    "stage": "becomes {about}",
    "entered": "enters {about}",
    "left": "leaves {flow}: {about}",
    "handover": "handover: {about}",
    "enriched": "sales hears: {about}",
    "task": "task {step}: {about}",
    "added": "added to {about}",
    "removed": "removed from {about}",
    "told": "tells {about}",
    "reminded": "sales reminded: {about}",
    "escalated": "escalated to {about}",
    "reassigned": "given to {about}",
    "recycled": "given back: nobody contacted the lead in time",
    "answer": "sales says {what}",
    "cannot": "cannot be: {about}",
}
"""How each kind of thing that happens is told: in timelines, expectations and diffs."""

ALWAYS_COMPARED = frozenset({"mail", "refused", "handover", "task", "cannot"})
"""Other kinds are compared where a scenario expects one of them."""


def kind_of(line: str) -> str | None:
    """Which kind of thing the line expects; None when nothing is told like that."""
    heads = {form.partition("{")[0]: kind for kind, form in FORMS.items()}
    return next((heads[head] for head in heads if line.startswith(head)), None)


def _expected(text: str, known: f.Known) -> str:
    if kind_of(text) is None:
        heads = [form.partition("{")[0].strip() for form in FORMS.values()]
        first = text.partition(" ")[0]
        raise wrong(
            f'"{text}" is nothing that can happen', suggest(first, heads, 'such as "mail welcome"')
        )
    return text


def _of_lead(text: str, known: f.Known) -> str:
    names = [*OWN, *known.names["trait"]]
    if text not in OWN and text not in known.names["trait"]:
        remedy = suggest(text, names, "declare it in config/traits.yaml")
        raise wrong(f'unknown trait "{text}"', remedy)
    return text


def _day(text: str, known: f.Known) -> int:
    word, _, number = text.partition(" ")
    if word == "day" and number.isdigit() and int(number) < 3660:
        return int(number)
    raise wrong(f'"{text}" is not a day', 'such as "day 5"; the first is "day 0"')


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Line = Annotated[str, f.Reads(_expected, "mail welcome", "handover: read the guide")]
Lines = Annotated[
    list[Line],
    Field(min_length=1),
    BeforeValidator(_as_list, json_schema_input_type=str | list[str]),
]
Day = Annotated[int, f.Reads(_day, "day 0", "day 5")]
OfLead = Annotated[str, f.Reads(_of_lead, "email", "first_name")]
Answer = Literal["accepted", "contacted", "booked", "rejected", "won", "lost"]


class Act(f.Model):
    """One thing that the lead does, says or refuses, or that sales answers; about noon of that day."""

    day: Annotated[int, Field(ge=0, le=3660)]
    touch: f.TouchName | None = None
    of: f.Slug | None = None
    properties: dict[str, f.Plain] = Field(default_factory=dict)
    says: dict[f.TraitName, f.Plain] | None = None
    unsubscribes: Purpose | None = None
    sales: Answer | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        things = [self.touch, self.says, self.unsubscribes, self.sales]
        if sum(thing is not None for thing in things) != 1:
            raise f.refusal(wrong("this should be one thing", "such as {day: 2, touch: clicked}"))
        if (self.of or self.properties) and self.touch is None:
            raise f.refusal(wrong('"of" and "properties" are those of a touch', "give the touch"))
        return self


class Scenario(f.Model):
    """One file of config/scenarios/"""

    scenario: f.Text
    lead: dict[OfLead, f.Plain]
    flow: f.FlowName | None = None
    start: f.Date = datetime(2026, 3, 2)
    days: Annotated[int, Field(ge=1, le=3660)] = 90
    does: list[Act] = Field(default_factory=list)
    expect: dict[Day, Lines]
