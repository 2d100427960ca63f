"""The playbook: all of config/ and templates/, checked, compiled and immutable."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from nurture.domain import orders, scoring, topics
from nurture.domain.allowance import Allowance
from nurture.domain.audience import Audience
from nurture.domain.calendar import Span
from nurture.domain.effects import CreateTask
from nurture.domain.enrolment import CONDITION, Entry, is_open
from nurture.domain.flow import Flow
from nurture.domain.lead import Condition, Facts
from nurture.domain.lifecycle import SALES, Lifecycle, Move
from nurture.domain.owners import Owner
from nurture.domain.persona import Persona
from nurture.domain.reporting import ReportPlan
from nurture.domain.scoring import Entry as Earned
from nurture.domain.scoring import Scoring
from nurture.domain.sla import OWNER_ABSENT, Pause, Promise, State, Team, Terms
from nurture.domain.steps import Act
from nurture.domain.watch import Limits
from nurture.ports import SMTP_ACCOUNT, Dkim, MailAccount

FIRST_LANGUAGE = ("en",)

_READING = 4
"""The way in which this release reads the rules of a playbook and what a lead consents to. Another one settles every
lead anew: what the release before left with it may not be what this one would have."""


@dataclass(frozen=True)
class Company:
    """Who writes: every mail must say so (Danish Marketing Practices Act § 10(3))."""

    name: str
    address: str
    contact: str
    languages: tuple[str, ...] = FIRST_LANGUAGE
    """Those that its mails are written in; the first for leads whose language is not known."""


@dataclass(frozen=True)
class Retention:
    """How long is kept what nobody needs for ever; None is for ever.

    `visitors`: those whom nobody came to know, since their last touch; `unconfirmed`: who was asked to confirm a
    consent, never did, and is not known otherwise, since it was asked last.
    """

    touches: timedelta | None = None
    visitors: timedelta | None = None
    unconfirmed: timedelta | None = None
    quarantine: timedelta | None = None
    feedback: timedelta | None = None


@dataclass(frozen=True)
class Sender:
    """Whom mails come from, and how they are sent.

    `through`: accounts by name; the next is asked when those before certainly did not take the mail.
    `rate`: mails a second at most, over all processes; None: as fast as it goes.
    """

    id: str
    name: str
    address: str
    reply_to: str | None = None
    rate: float | None = None
    through: tuple[str, ...] = (SMTP_ACCOUNT.id,)
    allowance: Allowance = field(default_factory=Allowance)
    return_path: str | None = None
    dkim: Dkim | None = None


_TAGS = {
    "utm_source": "nurture",
    "utm_medium": "email",
    "utm_campaign": "{flow}",
    "utm_content": "{step}",
}


@dataclass(frozen=True)
class LinkRules:
    """What becomes of links in mails. `own`: hosts whose pages (and those below) get the tags; without
    any, the sender's domain. `untracked`: addresses such as `x.example/privacy*` that stay as they are."""

    own: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=lambda: dict(_TAGS))
    untracked: tuple[str, ...] = ()

    def leaves_alone(self, address: str) -> bool:
        """`address`: host and path, without a scheme."""
        return any(fnmatchcase(address.removeprefix("www."), each) for each in self.untracked)


@dataclass(frozen=True)
class Subscription:
    """One kind of mail that a lead may decline on its own. `title` and `about` by language."""

    id: str
    title: Mapping[str, str]
    about: Mapping[str, str] = field(default_factory=dict)

    def titled(self, language: str) -> str:
        return self.title.get(language) or next(iter(self.title.values()))

    def described(self, language: str) -> str:
        return self.about.get(language) or next(iter(self.about.values()), "")


@dataclass(frozen=True)
class Form:
    """A form whose answers may be posted to /forms/{id}.

    `fields` maps a form field to a trait; `consent` maps a checkbox field to a consent purpose; the
    `wording` shown beside each box is recorded as proof. `honeypot` is a field no human fills in. With
    `double_opt_in` a consent counts once it is confirmed from a mail.
    """

    id: str
    fields: Mapping[str, str]
    consent: Mapping[str, str] = field(default_factory=dict)
    wording: Mapping[str, str] = field(default_factory=dict)
    honeypot: str | None = None
    redirect: str | None = None
    double_opt_in: bool = False


SNOOZE_REASONS = ("asked to wait",)
SNOOZE_AT_MOST = timedelta(days=90)


@dataclass(frozen=True)
class HandoverRule:
    """When the score hands a lead over by itself (`stage` reached), to which team, under which terms.

    A lead that sales gives back returns to `back_stage`, unless it is a customer; for `cool_off` no rule lifts
    it again. The clock stands still while a lead wants to wait, for one of `snooze_reasons` and
    `snooze_at_most`, and with `absence_pauses` while its owner is away. After a talk with sales marketing is
    quiet for `conversation_holds`.
    """

    team: Team
    terms: Terms
    stage: str | None
    sql_stage: str
    customer_stage: str
    reject_reasons: tuple[str, ...]
    back_stage: str = "lead"
    cool_off: timedelta = timedelta(days=30)
    snooze_reasons: tuple[str, ...] = SNOOZE_REASONS
    snooze_at_most: timedelta = SNOOZE_AT_MOST
    absence_pauses: bool = True
    conversation_holds: timedelta = timedelta()

    def given(self, owner: Owner, within: Span | None = None) -> Terms:
        """The terms a new handover gets: on its owner's clock; `within` is the deadline of a single task."""
        own = replace(self.terms, calendar=owner.calendar or self.terms.calendar)
        return replace(own, contact_within=within, accept_within=None) if within else own

    def away(self, owner: Owner, since: datetime) -> tuple[Pause, ...]:
        """When the clock of a handover stands still because its owner, who has it `since` then, is away."""
        absent = owner.absent if self.absence_pauses else ()
        away = (each for each in absent if each.end > since)
        return tuple(Pause(max(each.start, since), each.end, OWNER_ABSENT) for each in away)


@dataclass(frozen=True)
class Playbook:
    """One version. `hash` is the SHA-256 of its files; `day` what its durations call a day.

    `traits` maps each declared trait to its kind, `sender_of` each flow to its sender, and `templates`
    paths below templates/ to their text. `teams` are those that a task may go to, `webhooks` the
    addresses of who is told, by name.
    """

    hash: str
    company: Company
    traits: Mapping[str, str]
    lifecycle: Lifecycle
    personas: tuple[Persona, ...]
    scoring: Scoring
    flows: Mapping[str, Flow]
    entries: Mapping[str, Entry]
    audiences: Mapping[str, Audience]
    senders: Mapping[str, Sender]
    sender_of: Mapping[str, str]
    forms: Mapping[str, Form]
    handover: HandoverRule
    promise: Promise
    templates: Mapping[str, str]
    day: timedelta = timedelta(days=1)
    retention: Retention = Retention()
    links: LinkRules = LinkRules()
    teams: Mapping[str, Team] = field(default_factory=dict)
    webhooks: Mapping[str, str] = field(default_factory=dict)
    reports: Mapping[str, ReportPlan] = field(default_factory=dict)
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    watch: Limits = field(default_factory=Limits)
    accounts: Mapping[str, MailAccount] = field(default_factory=dict)

    @cached_property
    def follows(self) -> frozenset[str]:
        """Topics from which more than points can follow for a lead, on whatever it did before: a persona,
        a fit, a flow, a place on a list, a stage.

        What depends on the score alone is left out: `anytime` and the stages' rules, which can be asked.
        """
        found = {topic for condition in self._conditions() for topic in condition.topics}
        found |= {topic for entry in self.entries.values() for topic in entry.on}
        asked = {topic for when in self.anytime for topic in when.topics}
        staged = {topic for stage in self.lifecycle.stages for topic in stage.topics}
        counts = any(topics.is_touch(topic) for topic in asked | staged)
        if counts or topics.CLOCK in asked:
            return frozenset(found | staged | {topics.CLOCK})
        return frozenset(found | staged - {topics.SCORE})

    @cached_property
    def scored_by(self) -> str:
        """What a lead keeps of what its points were counted by."""
        return f"{self.hash}/{_READING}"

    @cached_property
    def persona_titles(self) -> Mapping[str, str]:
        """By the persona's id."""
        return {persona.id: persona.title for persona in self.personas}

    @cached_property
    def anytime(self) -> tuple[Condition, ...]:
        """Conditions of flows that a lead enters whatever is heard of it, once they hold."""
        found = (entry.when for entry in self.entries.values() if CONDITION in entry.on)
        return tuple(when for when in found if when)

    @cached_property
    def returning(self) -> Mapping[str, Entry]:
        """How a lead enters flows that let it in again after so long, whatever is heard of it, while the condition
        holds."""
        return {
            name: entry
            for name, entry in self.entries.items()
            if CONDITION in entry.on and entry.again and not entry.lapse
        }

    def next_look(
        self,
        facts: Facts,
        earned: Iterable[Earned],
        rests_until: datetime | None,
        now: datetime,
    ) -> datetime | None:
        """When something can next change for a lead that does nothing: a rule's window passes, its rest ends, or what
        `next_plain_look` knows of."""
        rules = (*self._aging, *self.lifecycle.rules(facts.lead.stage))
        times = [each.next_change(facts, now) for each in rules if topics.CLOCK in each.topics]
        times.append(rests_until if rests_until and now < rests_until else None)
        times.append(self.next_plain_look(facts.lead.traits, earned, now))
        return min((at for at in times if at), default=None)

    def next_plain_look(
        self, traits: Mapping[str, Any], earned: Iterable[Earned], now: datetime
    ) -> datetime | None:
        """The same of a lead that does not rest, under rules that ask for no time: points expire, or a flow opens."""
        times = [each.next_look(traits, now) for each in self.opening]
        times.append(scoring.next_change(self.scoring, earned, now))
        return min((at for at in times if at), default=None)

    def admits(self, flow: str, now: datetime) -> bool:
        """Whether anybody enters that flow: it is not paused, and neither before its start nor past its end."""
        return not self.flows[flow].paused and is_open(self.entries[flow], now)

    def hands_over(self, move: Move) -> bool:
        """Whether a lead that its rules move so is for sales: it comes to the stage, or past it but not to one that
        sales gives."""
        rank, stage = self.lifecycle.rank, self.handover.stage
        if stage is None or not rank(move.before) < rank(stage) <= rank(move.stage):
            return False
        return move.stage == stage or rank(move.stage) < rank(self.handover.sql_stage)

    def team(self, name: str | None) -> Team:
        """The team of that name; one that is gone since has handed its leads to the one in the rule."""
        return self.teams.get(name or "", self.handover.team)

    def lifted(self, stage: str, answer: State) -> Iterator[str]:
        """The stages that a lead rises to by an answer of sales: it is an SQL once it is accepted, a customer once won.
        A snooze leaves it where it is."""
        rule = self.handover
        reached = () if answer is State.SNOOZED else (rule.sql_stage,)
        for higher in (*reached, *((rule.customer_stage,) if answer is State.WON else ())):
            if self.lifecycle.lifts(stage, higher, SALES):
                yield (stage := higher)

    def back_from(self, stage: str) -> str | None:
        """Where a lead of that stage goes when sales gives it back: never up. None: a customer stays one."""
        if stage in self.customers:
            return None
        return min(stage, self.handover.back_stage, key=self.lifecycle.rank)

    @cached_property
    def customers(self) -> frozenset[str]:
        """The stages of customers."""
        first = self.lifecycle.rank(self.handover.customer_stage)
        return frozenset(stage.id for stage in self.lifecycle.stages[first:])

    @cached_property
    def same_sale(self) -> timedelta:
        """How far apart an order and a `won` of the same sale may be."""
        return orders.SAME_SALE * (self.day / timedelta(days=1))

    @cached_property
    def _aging(self) -> tuple[Condition, ...]:
        asked = (*self._conditions(), *self.anytime)
        return tuple(each for each in asked if topics.CLOCK in each.topics)

    @cached_property
    def opening(self) -> tuple[Entry, ...]:
        """Flows that open one day to whoever told its date before."""
        return tuple(each for each in self.entries.values() if each.date and each.opens)

    def _conditions(self) -> Iterator[Condition]:
        """Those whose answer matters from the moment it changes, apart from the stages'."""
        for persona in self.personas:
            yield from filter(None, (persona.when, *(sign.when for sign in persona.signs)))
        yield from (rule.when for rule in self.scoring.fit)
        yield from (audience.when for audience in self.audiences.values() if audience.when)
        yield from (entry.when for entry in self.entries.values() if entry.when and entry.lapse)

    def accounts_of(self, sender: str) -> tuple[MailAccount, ...]:
        """Where the sender's mails are handed in, the preferred first."""
        known = {SMTP_ACCOUNT.id: SMTP_ACCOUNT, **self.accounts}
        return tuple(known[name] for name in self.senders[sender].through)

    def asked(self, flow: str, step: str | None) -> str | None:
        """What the task of that step asks for: call, mail or meeting; None when it is no task."""
        known = self.flows[flow].steps.get(step or "") if flow in self.flows else None
        match known:
            case Act(effect=CreateTask(kind=kind)):
                return kind
        return None
