"""The shape of every file in config/ but the flows (flow_schema.py) and forms (form_schema.py)."""

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from nurture.playbook import FIRST_LANGUAGE
from nurture.playbook import fields as f
from nurture.playbook.findings import wrong
from nurture.playbook.traits import Kind

Purpose = Literal["email_marketing", "ad_audiences", "tracking"]
Points = Annotated[int, Field(ge=-1000, le=1000)]
Evidence = Literal["call", "mail", "meeting", "message", "booking"]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]

Traits = dict[f.Name, Kind]
Touches = dict[f.Name, f.Text]


class BusinessHours(f.Model):
    days: f.Days
    hours: f.Hours
    timezone: f.Zone
    holidays: f.Country | None = None


class Retention(f.Model):
    touches: f.Elapsed | None = None
    visitors: f.Elapsed | None = None
    unconfirmed: f.Elapsed | None = None
    quarantine: f.Elapsed | None = None
    feedback: f.Elapsed | None = None


class Company(f.Model):
    """config/company.yaml"""

    name: f.Text
    address: f.Text
    contact: f.Text
    languages: Annotated[list[f.Language], Field(min_length=1)] = Field(
        default_factory=lambda: [*FIRST_LANGUAGE]
    )
    business_hours: BusinessHours
    retention: Retention | None = None


Role = Literal["rule", "sales", "import"]
Roles = Annotated[list[Role], Field(min_length=1)]


class Back(f.Model):
    """The way down from a stage. A rule needs to know when, and what the history shall say."""

    to: Annotated[list[f.StageName], Field(min_length=1)]
    by: Roles | None = None
    when: f.When | None = None
    reason: f.Text | None = None

    @model_validator(mode="after")
    def _a_rule_says_when_and_why(self) -> Self:
        rule = "rule" in (self.by or ())
        if rule != (self.when is not None) or rule != (self.reason is not None):
            text = 'a way back by rule has "when" and "reason", and names rule under "by"'
            raise f.refusal(wrong(text, "by: [rule, sales], when: score.total < 30, reason: faded"))
        return self


class Stage(f.Model):
    title: f.Text
    when: f.When | None = None
    by: Roles | None = None
    after: Annotated[list[f.StageName], Field(min_length=1)] | None = None
    back: Back | None = None


class Sign(f.Model):
    """What speaks for a persona, or against it."""

    points: Points
    when: f.PersonaWhen


class Persona(f.Model):
    title: f.Text
    when: f.PersonaWhen | None = None
    signs: list[Sign] = Field(default_factory=list)
    at_least: Annotated[int, Field(ge=1, le=1000)] | None = None

    @model_validator(mode="after")
    def _found_one_way(self) -> Self:
        if (self.when is None) == (not self.signs):
            text = 'a persona has either "when" or "signs"'
            raise f.refusal(wrong(text, "signs: [{points: 2, when: ...}] are added up"))
        if self.at_least is not None and not self.signs:
            raise f.refusal(wrong('"at_least" is for signs', "remove it"))
        return self


class Fit(f.Model):
    points: Points
    when: f.FitWhen
    title: f.Text | None = None


class Engagement(f.Model):
    points: Points
    touch: f.TouchName
    where: dict[str, f.Pattern] | None = None
    cap: Annotated[int, Field(ge=1, le=1000)] | None = None
    lasts: f.Elapsed | None = None
    half_life: f.Elapsed | None = None
    title: f.Text | None = None
    group: f.Slug | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.lasts is not None and self.half_life is not None:
            text = 'points end all at once ("lasts") or fade ("half_life"), not both'
            raise f.refusal(wrong(text, "remove one of them"))
        return self


Limits = Annotated[list[Annotated[int, Field(ge=-1000, le=1000)]], AfterValidator(f.falling)]


class Grades(f.Model):
    """From how many points on a lead is A, B, C by fit, and 1, 2, 3 by engagement."""

    fit: Limits
    engagement: Limits


class Scoring(f.Model):
    """config/scoring.yaml"""

    groups: dict[f.Slug, Annotated[int, Field(ge=1, le=1000)]] = Field(default_factory=dict)

    grades: Grades | None = None

    fit: dict[f.Slug, Fit] = Field(default_factory=dict)
    engagement: dict[f.Slug, Engagement] = Field(default_factory=dict)


class Audience(f.Model):
    title: f.Text
    platform: Literal["meta", "google", "linkedin", "webhook"]
    external_id: f.Text
    when: f.When | None = None
    purpose: Purpose = "ad_audiences"
    max_stay: f.Elapsed | None = None
    refresh: f.Elapsed | None = None
    minimum: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class Cap(f.Model):
    mails: Annotated[int, Field(ge=1, le=1000)]
    within: f.Elapsed


ACCOUNT_OPTIONS = {
    "smtp": {"connections", "per_domain"},
    "postmark": {"stream"},
    "sendgrid": set[str](),
    "mailgun": {"domain", "region"},
    "ses": {"region", "stream"},
    "resend": set[str](),
    "brevo": set[str](),
}
_NEEDED = {"mailgun": ("domain", "mg.x-education.example"), "ses": ("region", "eu-west-1")}


class Account(f.Model):
    """Where mails are handed in. Addresses and keys are settings, not part of the playbook.

    `stream`: Postmark's message stream, or the configuration set of SES. `region`: of SES such as eu-west-1,
    of Mailgun us or eu. `per_domain`: mails under way to one domain at once.
    """

    provider: Literal["smtp", "postmark", "sendgrid", "mailgun", "ses", "resend", "brevo"]
    stream: f.Text | None = None
    domain: f.Domain | None = None
    region: f.Slug | None = None
    connections: Annotated[int, Field(ge=1, le=100)] | None = None
    per_domain: Annotated[int, Field(ge=1, le=100)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in sorted(self.model_fields_set - {"provider"}):
            if name not in ACCOUNT_OPTIONS[self.provider]:
                raise f.refusal(
                    wrong(f'an account at {self.provider} has no "{name}"', "leave it out")
                )
        needed, example = _NEEDED.get(self.provider, ("provider", ""))
        if getattr(self, needed) is None:
            problem = f'an account at {self.provider} needs a "{needed}"'
            raise f.refusal(wrong(problem, f"such as {example}"))
        return self


class WarmUp(f.Model):
    """A new sending domain begins with a few mails a day."""

    since: f.Date
    first: Annotated[int, Field(ge=1, le=1_000_000)]
    doubles_every: f.Elapsed
    until: Annotated[int, Field(ge=1, le=100_000_000)]


class Dkim(f.Model):
    domain: f.Domain
    selector: f.Slug


class Sender(f.Model):
    name: f.Text
    address: f.Address
    reply_to: f.Address | None = None
    through: Annotated[list[f.AccountName], Field(min_length=1)] | None = None
    rate: f.PerSecond | None = None
    a_day: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    warm_up: WarmUp | None = None
    return_path: f.ReturnPath | None = None
    dkim: Dkim | None = None


class LinkRules(f.Model):
    """What links in mails get; a tag may name {flow}, {step}, {mail} and {language}."""

    own: list[f.Host] = Field(default_factory=list)
    tags: dict[f.Name, f.LinkTag] | None = None
    untracked: list[f.Text] = Field(default_factory=list)


class Rate(f.Model):
    """Shares of a sender's mails: from `warn` on somebody should look, at `pause` it stands still."""

    warn: f.Percent
    pause: f.Percent


class Watch(f.Model):
    """What a sender may have of complaints and bounces, before it pauses itself."""

    within: f.Elapsed | None = None
    at_least: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    complaints: Rate | None = None
    bounces: Rate | None = None


class Senders(f.Model):
    """config/senders.yaml"""

    default: f.SenderName
    cap: Cap | None = None
    links: LinkRules | None = None
    soft_bounces: Annotated[int, Field(ge=1, le=100)] | None = None
    watch: Watch | None = None
    accounts: dict[f.Slug, Account] = Field(default_factory=dict)
    senders: Annotated[dict[f.Slug, Sender], Field(min_length=1)]


class Subscription(f.Model):
    """One kind of mail that a lead may decline on its own. A text in a language that our pages do not have is shown
    where there is none in theirs."""

    title: Annotated[dict[f.Language, f.Text], Field(min_length=1)]
    about: dict[f.Language, f.Text] = Field(default_factory=dict)


class Webhook(f.Model):
    """Who is told when a lead comes to a step `webhook: <name>`."""

    title: f.Text
    url: f.WebAddress


class Absence(f.Model):
    """Away from the beginning of one day to the beginning of another."""

    since: Annotated[f.Date, Field(alias="from")]
    back: f.Date


class Person(f.Model):
    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    capacity: Annotated[int, Field(ge=1, le=100_000)] | None = None
    hours: BusinessHours | None = None
    absent: list[Absence] = Field(default_factory=list)


class Assignment(f.Model):
    """Leads for whom all that is given here holds go to these owners."""

    persona: f.Texts = Field(default_factory=list)
    country: f.Texts = Field(default_factory=list)
    product: f.Texts = Field(default_factory=list)
    when: f.When | None = None
    owners: Annotated[list[f.Text], Field(min_length=1)]


class Report(f.Model):
    """The figures, sent to both teams."""

    title: f.Text
    every: Literal["month", "week", "day"]
    at: f.Clock = time(8)
    to: list[f.Address] = Field(default_factory=list)
    webhooks: list[f.WebhookName] = Field(default_factory=list)
    language: Literal["en", "da"] = "en"


class Team(f.Model):
    title: f.Text
    owners: Annotated[list[f.Text], Field(min_length=1)]
    people: dict[f.Text, Person] = Field(default_factory=dict)
    rules: list[Assignment] = Field(default_factory=list)


class Marketing(f.Model):
    """`personas`: how many of the SQLs are promised of each of these."""

    sqls: Count
    personas: dict[f.Slug, Count] = Field(default_factory=dict)


class Sales(f.Model):
    customers: Count
    average_revenue: Count
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class Escalate(f.Model):
    to: f.Text
    after: f.Duration | None = None


class Pauses(f.Model):
    """What makes the clock stand still: a lead that asked to wait, an owner who is away."""

    snooze: Annotated[list[f.Text], Field(min_length=1)]
    at_most: f.Elapsed
    owner_absent: bool = True


class Contact(f.Model):
    within: f.Duration
    accept_within: f.Duration | None = None
    clock: BusinessHours | None = None
    contacted: Annotated[list[Evidence], Field(min_length=1)] | None = None
    pauses: Pauses | None = None
    remind_at: list[f.Share] = Field(default_factory=list)
    escalate: list[Escalate] = Field(default_factory=list)
    reassign_after: f.Duration | None = None
    recycle_after: f.Duration | None = None
    recycle_to: f.FlowName | None = None
    outcome_within: f.Duration | None = None


class Handover(f.Model):
    team: f.TeamName
    at_stage: f.StageName | None = None
    sql_stage: f.StageName
    customer_stage: f.StageName
    back_to: f.StageName
    cool_off: f.Elapsed
    conversation_holds: f.Elapsed | None = None
    reject_reasons: Annotated[list[f.Text], Field(min_length=1)]


class Sla(f.Model):
    """config/sla.yaml"""

    every: f.Elapsed
    marketing: Marketing
    sales: Sales
    teams: Annotated[dict[f.Slug, Team], Field(min_length=1)]
    handover: Handover
    contact: Contact


Stages = Annotated[dict[f.Slug, Stage], Field(min_length=1)]
Personas = dict[f.Slug, Persona]
Audiences = dict[f.Slug, Audience]
Webhooks = dict[f.Slug, Webhook]
Subscriptions = dict[f.Slug, Subscription]
Reports = dict[f.Slug, Report]
