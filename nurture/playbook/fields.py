"""The kinds of values in the playbook's files: each reads its text and says what is wrong with it.

They run inside Pydantic's validation, which puts every problem at its place. What they need to know of the
rest of the playbook (names, traits, the pace) comes as the validation context, `Known`.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Literal

from jinja2 import TemplateSyntaxError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from nurture.domain import scoring, topics
from nurture.domain.calendar import HolidayTest, Span
from nurture.domain.enrolment import CONDITION
from nurture.playbook import addresses, calendars, placeholders
from nurture.playbook.conditions import CelCondition, Conditions
from nurture.playbook.durations import Durations
from nurture.playbook.findings import Wrong, suggest, wrong

WRONG = "wrong"
"""The type of the errors raised here; their context holds the exception under the same name."""


@dataclass
class Known:
    """What a value may be checked against: the known names of each kind, and what reads the rest.

    `models` fills up during validation: which model read which mapping, by the mapping's identity. `kept` as in
    compiler.
    """

    durations: Durations
    conditions: Conditions | None
    names: Mapping[str, Collection[str]]
    kept: bool = False
    models: dict[int, type[BaseModel]] = field(default_factory=dict)


class Model(BaseModel):
    """A mapping of the playbook. Unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True
    )

    @model_validator(mode="before")
    @classmethod
    def _note(cls, data: Any, info: ValidationInfo[Known]) -> Any:
        info.context.models[id(data)] = cls
        return data


class Reads:
    """Marks a field that is written as text and read by `read`, which may raise Wrong."""

    def __init__(self, read: Callable[[str, Known], Any], *examples: str) -> None:
        self._read = read
        self.examples = examples

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "examples": list(self.examples)}

    def _validate(self, value: Any, info: ValidationInfo[Known]) -> Any:
        try:
            if not isinstance(value, str):
                raise wrong("this should be text", _such_as(self.examples))
            return self._read(value, info.context)
        except Wrong as error:
            raise refusal(error) from error


def refusal(error: Wrong) -> PydanticCustomError:
    """The error in the form that Pydantic collects."""
    return PydanticCustomError(WRONG, "wrong", {WRONG: error})


def name_of(kind: str, declared_in: str) -> Reads:
    """A name that must exist: `kind` is its key in `Known.names`."""

    def read(text: str, known: Known) -> str:
        names = known.names[kind]
        if text not in names:
            raise wrong(
                f'unknown {kind} "{text}"', suggest(text, names, f"declare it in {declared_in}")
            )
        return text

    return Reads(read)


def _such_as(examples: Collection[str]) -> str:
    return "such as " + " or ".join(f'"{example}"' for example in examples) if examples else ""


def _condition(forbidden: Mapping[str, str], in_flow: bool = False) -> Reads:
    """A condition that must not ask for some topics, since they are settled only after it. `in_flow`: it is asked of
    a lead in a flow, and so may ask for its enrolment."""

    def read(text: str, known: Known) -> CelCondition | None:
        if known.conditions is None:  # the traits have a finding, so nothing is compiled anyway
            return None
        condition = known.conditions.compile(text, in_flow)
        for topic, why in forbidden.items():
            if topic in condition.topics:
                raise wrong(f"this rule cannot ask for the {topic}", why)
        return condition

    return Reads(read, "score.total >= 40")


def _form_target(text: str, known: Known) -> str:
    targets = [EMAIL, *known.names["trait"]]
    if text not in targets:
        remedy = suggest(text, targets, "declare it in config/traits.yaml")
        raise wrong(f'unknown trait "{text}"', remedy)
    return text


def _percent(text: str, known: Known) -> float:
    number = text.removesuffix("%").strip()
    if number.isdigit() and text.endswith("%") and 0 < int(number) < 100:
        return int(number) / 100
    raise wrong(f'"{text}" is not a share', 'from "1%" to "99%"')


_PERCENTAGE = re.compile(r"\d{1,2}(\.\d{1,3})?")


def _percentage(text: str, known: Known) -> float:
    number = text.removesuffix("%").strip()
    if text.endswith("%") and _PERCENTAGE.fullmatch(number) and float(number) > 0:
        return float(number) / 100
    raise wrong(f'"{text}" is not a percentage', 'such as "0.3%" or "5%"')


LAPSED = "when it lapsed"
WINDOW = "window"


def _again(text: str, known: Known) -> Span | str | None:
    match text.split(maxsplit=1):
        case ["never"]:
            return None
        case ["always"]:
            return Span()
        case ["after", duration]:
            return Span(known.durations.elapsed(duration))
    if text == LAPSED:
        return LAPSED
    remedy = f'write "never", "always", "after 90 days" or "{LAPSED}"'
    raise wrong(f'"{text}" does not say when', remedy)


def _date(text: str, known: Known) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise wrong(
            f'"{text}" is not a date', 'such as "2026-12-01" or "2026-12-01 09:00"'
        ) from error


def _date_trait(text: str, known: Known) -> str:
    kinds = known.names["trait"]
    dates = (
        [name for name, kind in kinds.items() if kind == "date"] if isinstance(kinds, dict) else []
    )
    if text in dates or (text in kinds and not isinstance(kinds, dict)):
        return text
    problem = f'the trait "{text}" is no date' if text in kinds else f'unknown date "{text}"'
    raise wrong(
        problem, suggest(text, dates, "declare a trait of the kind date in config/traits.yaml")
    )


def _until(text: str, known: Known) -> datetime | str:
    """A moment, WINDOW, or the name of a trait that is a date."""
    if text == WINDOW:
        return WINDOW
    return _date(text, known) if text[:1].isdigit() else _date_trait(text, known)


def _variant(text: str, known: Known) -> str:
    """`default`, or a persona's name."""
    names = known.names["persona"]
    if text != DEFAULT and text not in names:
        remedy = suggest(text, [*names, DEFAULT], "declare it in config/personas.yaml")
        raise wrong(f'unknown persona "{text}"', remedy)
    return text


_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) per (second|minute|hour)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}


def _rate(text: str, known: Known) -> float:
    """So many a second."""
    found = _RATE.fullmatch(" ".join(text.split()))
    if not found or float(found[1]) == 0:
        raise wrong(f'"{text}" is not a rate', 'such as "10 per second" or "500 per hour"')
    return float(found[1]) / _SECONDS[found[2]]


def _clock(text: str, known: Known) -> time:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text)
    if not found:
        raise wrong(f'"{text}" is not a time of day', 'such as "08:00"')
    return time(int(found[1]), int(found[2]))


def _one_line(text: str, known: Known) -> str:
    if "\n" in text.strip() or not text.strip():
        raise wrong("this should be one line", 'such as "Call {{ lead.first_name }}"')
    try:
        placeholders.parse(text)
    except TemplateSyntaxError as error:
        raise wrong(f"the placeholder cannot be read: {error.message}") from error
    return text


def _pattern(text: str, known: Known) -> str:
    if text[:1] in ("<", ">", "=") and not scoring.LIMIT.fullmatch(text):
        raise wrong(f'"{text}" is not a limit', 'such as ">= 3" or "< 10"')
    return text


def is_plain(value: Any) -> bool:
    """Whether a trait, or what is told of a touch, can be so: one value, or a list of texts."""
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return texts or isinstance(value, str | int | float)


def _plain(value: Any) -> Any:
    if not is_plain(value):
        raise refusal(wrong("this should be one value, or a list of texts"))
    return value


def falling(limits: list[int]) -> list[int]:
    """Three limits, the highest first: those of the grades A, B, C or 1, 2, 3."""
    if len(limits) != 3 or limits != sorted(set(limits), reverse=True):
        raise refusal(
            wrong("this should be three numbers, the highest first", "such as [35, 20, 10]")
        )
    return limits


def _entry(text: str, known: Known) -> str | None:
    """The topic of what starts a flow; None for `by_hand`, which needs none."""
    if text == "by_hand":
        return None
    if text in (topics.STAGE, topics.PERSONA, "import", CONDITION, DATE):
        return text
    names = known.names["touch"]
    if text not in names:
        remedy = suggest(text, [*names, *ENTRIES], "declare it in config/touches.yaml")
        raise wrong(f'unknown touch "{text}"', remedy)
    return topics.touch(text)


def as_list(value: Any) -> Any:
    """One text is a list of one."""
    return [value] if isinstance(value, str) else value


def _link_tag(text: str, known: Known) -> str:
    """Text in which only LINK_MARKS stand in braces."""
    try:
        text.format_map(dict.fromkeys(LINK_MARKS, ""))
    except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
        remedy = f"known are {', '.join(f'{{{mark}}}' for mark in LINK_MARKS)}"
        raise wrong(f'"{text}" names what is not known of a link', remedy) from error
    return text


LINK_MARKS = ("flow", "step", "mail", "language")
"""What a tag on a link may name. Nothing of the lead: addresses end up in logs."""

EMAIL = "email"
"""What a form may fill besides the traits: the address by which a lead is known."""

RESERVED = (EMAIL, "tags")
"""What every lead has; no trait may be called so."""

DATE = "date"
DEFAULT = "default"
ENTRIES = (topics.STAGE, topics.PERSONA, "import", CONDITION, DATE, "by_hand")
_EARLY = "personas and fit points are found before the score and the stage"


def written_out(data: Any) -> str:
    """The tag of what may be written in a word or, as a mapping, with more to it."""
    return "<mapping>" if isinstance(data, dict) else "<text>"


Text = Annotated[str, Field(min_length=1, max_length=2000)]
Texts = Annotated[list[Text], BeforeValidator(as_list, json_schema_input_type=str | list[str])]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]

LANGUAGE = r"^[a-z]{2,3}$"
Language = Annotated[str, Field(pattern=LANGUAGE, examples=["en", "da"])]
Host = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", examples=["x.example"])]
LinkTag = Annotated[str, Reads(_link_tag, "newsletter", "{flow}")]

Duration = Annotated[Span, Reads(lambda t, k: k.durations.span(t), "3 days", "2 business days")]
Elapsed = Annotated[timedelta, Reads(lambda t, k: k.durations.elapsed(t), "3 days", "48h")]
Again = Annotated[Span | str | None, Reads(_again, "never", "always", "after 90 days", LAPSED)]
Date = Annotated[datetime, Reads(_date, "2026-12-01", "2026-12-01 09:00")]
DateTrait = Annotated[str, Reads(_date_trait, "trial_ends")]
Until = Annotated[datetime | str, Reads(_until, "2026-12-01 09:00", WINDOW, "trial_ends")]
WebAddress = Annotated[
    str, Reads(lambda t, k: addresses.of_web(t, k.kept), "https://crm.example/hooks/nurture")
]
Variant = Annotated[str, Reads(_variant, DEFAULT)]
ReturnPath = Annotated[
    str, Reads(lambda t, k: addresses.of_returns(t), "bounces+{mail}@x-education.example")
]
Domain = Annotated[str, Reads(lambda t, k: addresses.domain(t), "x-education.example")]
PerSecond = Annotated[float, Reads(_rate, "10 per second", "500 per hour")]
Clock = Annotated[time, Reads(_clock, "08:00")]
Share = Annotated[float, Reads(_percent, "50%")]
Percent = Annotated[float, Reads(_percentage, "0.3%")]
When = Annotated[CelCondition, _condition({})]
FlowWhen = Annotated[CelCondition, _condition({}, in_flow=True)]
FitWhen = Annotated[CelCondition, _condition({topics.SCORE: _EARLY, topics.STAGE: _EARLY})]
PersonaWhen = Annotated[
    CelCondition,
    _condition({topics.PERSONA: _EARLY, topics.SCORE: _EARLY, topics.STAGE: _EARLY}),
]
Address = Annotated[str, Reads(lambda t, k: addresses.of_mail(t), "courses@x-education.example")]
OneLine = Annotated[str, Reads(_one_line, "Call {{ lead.first_name }}")]
Pattern = Annotated[str, Reads(_pattern, "/courses/*", ">= 3")]
Plain = Annotated[Any, AfterValidator(_plain)]
EntryTopic = Annotated[str | None, Reads(_entry, "form_submitted", "stage")]

Days = Annotated[frozenset[int], Reads(lambda t, k: calendars.days(t), "mon-fri")]
Hours = Annotated[tuple[time, time], Reads(lambda t, k: calendars.hours(t), "08:00-16:30")]
Zone = Annotated[tzinfo, Reads(lambda t, k: calendars.zone(t), "Europe/Copenhagen")]
ZoneOrLead = Annotated[
    tzinfo | Literal["lead"],
    Reads(lambda t, k: t if t == "lead" else calendars.zone(t), "lead", "Europe/Copenhagen"),
]
Country = Annotated[HolidayTest, Reads(lambda t, k: calendars.holidays_of(t), "DK")]

FormTarget = Annotated[str, Reads(_form_target, EMAIL)]
TraitName = Annotated[str, name_of("trait", "config/traits.yaml")]
StageName = Annotated[str, name_of("stage", "config/stages.yaml")]
TouchName = Annotated[str, name_of("touch", "config/touches.yaml")]
FlowName = Annotated[str, name_of("flow", "config/flows/")]
AudienceName = Annotated[str, name_of("audience", "config/audiences.yaml")]
WebhookName = Annotated[str, name_of("webhook", "config/webhooks.yaml")]
SubscriptionName = Annotated[str, name_of("subscription", "config/subscriptions.yaml")]
AccountName = Annotated[str, name_of("account", "config/senders.yaml")]
SenderName = Annotated[str, name_of("sender", "config/senders.yaml")]
TeamName = Annotated[str, name_of("team", "config/sla.yaml")]
TemplateName = Annotated[str, name_of("mail template", "templates/email/")]
