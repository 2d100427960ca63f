"""The one question asked right before every mail: may this lead get it now?"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.domain import consent, topics
from nurture.domain.calendar import Calendar
from nurture.domain.lead import Facts

MAX_HOLD = timedelta(days=30)
"""A mail that could not go out for this long has lost its moment: it is refused, and the flow goes on."""

DAILY_LIMIT = "daily_limit"
"""Why a mail waits whose sender has sent its share of the day (see nurture.domain.allowance)."""


SOFT_BOUNCES = 5
"""So many in a row, and the mailbox counts as given up."""


@dataclass(frozen=True)
class FrequencyCap:
    """At most `mails` (1 or more) in any `within`, over all flows."""

    mails: int
    within: timedelta


@dataclass(frozen=True)
class MailRules:
    """What a flow demands of each of its mails. `max_hold` is playbook time, like every duration.

    `purpose`: what the lead must have agreed to, besides mails themselves: whoever unsubscribes gets none of any flow.
    Under the cap, mails of a flow with a higher `priority` that wait for the same lead go first.
    `subscription`: which kind of mail it is, of those a lead may decline one by one. `soft_bounces`: after
    so many in a row no mail is tried. `waits`: a mail that the lead's situation holds is sent later;
    otherwise it is skipped.
    A `transactional` mail answers what the lead itself just did: it needs no consent, and waits for nothing
    but the send window.
    """

    purpose: str = consent.EMAIL_MARKETING
    about: frozenset[str] = frozenset()
    window: Calendar | None = None
    window_in_lead_zone: bool = False
    cap: FrequencyCap | None = None
    max_hold: timedelta = MAX_HOLD
    priority: int = 0
    subscription: str | None = None
    soft_bounces: int = SOFT_BOUNCES
    waits: bool = True
    transactional: bool = False

    @property
    def urgent(self) -> bool:
        """Whether its mails go ahead of others that wait to be sent."""
        return self.transactional or self.priority > 0


@dataclass(frozen=True)
class Send:
    """Nothing speaks against it."""


@dataclass(frozen=True)
class Refuse:
    """Not this mail, not later either. `reason` goes into the ledger."""

    reason: str


@dataclass(frozen=True)
class Hold:
    """Not now: ask again at `until`, or when one of the topics changes."""

    reason: str
    until: datetime | None = None
    listens: frozenset[str] = frozenset()


Verdict = Send | Refuse | Hold

THE_LEADS = frozenset({"sales_owned", "sales_conversation", "open_case", "paused_by_lead"})
"""What holds a mail because of how things stand with the lead; the ledger remembers it."""

_NOT_THE_LEADS = frozenset({"send_window", "sender_paused", DAILY_LIMIT})
"""What holds a mail without being the lead's situation; it waits even in a flow that skips."""


def ask(rules: MailRules, facts: Facts, now: datetime, waiting_since: datetime) -> Verdict:
    """The verdict for one mail whose turn came at `waiting_since`; the gravest reason speaks first."""
    verdict = _forbidden(rules, facts) or _held(rules, facts, now) or Send()
    if isinstance(verdict, Hold):
        if not rules.waits and verdict.reason not in _NOT_THE_LEADS:
            return Refuse(verdict.reason)
        give_up = waiting_since + rules.max_hold
        if now >= give_up:
            return Refuse(verdict.reason)
        until = min(verdict.until, give_up) if verdict.until else give_up
        return replace(verdict, until=until)
    return verdict


def _forbidden(rules: MailRules, facts: Facts) -> Refuse | None:
    if facts.lead.erased:
        return Refuse("erased")
    if not facts.lead.email:
        return Refuse("no_address")
    if facts.standing.suppressed:
        return Refuse(facts.standing.suppressed)
    if facts.standing.soft_bounces >= rules.soft_bounces:
        return Refuse("soft_bounces")
    if rules.transactional:
        return None
    asked = {consent.EMAIL_MARKETING, rules.purpose}
    if asked & facts.standing.declined:
        return Refuse("unsubscribed")
    if not asked <= facts.standing.consents:
        return Refuse("no_consent")
    kind = rules.subscription and consent.part(consent.EMAIL_MARKETING, rules.subscription)
    if kind in facts.standing.declined:
        return Refuse("subscription_declined")
    return None


def _held(rules: MailRules, facts: Facts, now: datetime) -> Hold | None:
    if not rules.transactional and (held := _disturbing(rules, facts, now)):
        return held
    cap = None if rules.transactional else rules.cap
    if cap and (held := _capped(cap, rules.priority, facts, now)):
        return held
    if facts.standing.sender_paused:  # behind what is the lead's, which a flow that skips refuses
        return Hold("sender_paused")
    if facts.standing.turn and now < facts.standing.turn and not rules.transactional:
        return Hold(DAILY_LIMIT, until=facts.standing.turn)
    if rules.window and (opens := _opens(rules, rules.window, facts, now)) != now:
        return Hold("send_window", until=opens)
    return None


def _disturbing(rules: MailRules, facts: Facts, now: datetime) -> Hold | None:
    if facts.standing.sales_owned:
        return Hold("sales_owned", listens=frozenset({topics.SALES}))
    if facts.standing.talks_until and now < facts.standing.talks_until:
        return Hold(
            "sales_conversation", facts.standing.talks_until, listens=frozenset({topics.SALES})
        )
    if rules.about & facts.standing.open_cases:
        return Hold("open_case", listens=frozenset({topics.CASES}))
    if facts.standing.paused_until and now < facts.standing.paused_until:
        return Hold("paused_by_lead", facts.standing.paused_until)
    return None


def _capped(cap: FrequencyCap, priority: int, facts: Facts, now: datetime) -> Hold | None:
    """Held until the cap has room for this mail behind those that go first, as if they went now."""
    sent = facts.standing.sent
    rivals = [now for rival in facts.standing.waiting if rival > priority]
    until = _cap_frees(cap, (*sent, *rivals), now)
    if until <= now:
        return None
    full = _cap_frees(cap, sent, now) > now
    return Hold("frequency_cap" if full else "priority", until=until)


def _cap_frees(cap: FrequencyCap, sent: tuple[datetime, ...], now: datetime) -> datetime:
    """`now` when the cap has room, else when it next will."""
    recent = sorted(at for at in sent if at > now - cap.within)
    if len(recent) < cap.mails:
        return now
    return recent[len(recent) - cap.mails] + cap.within


def _opens(rules: MailRules, window: Calendar, facts: Facts, now: datetime) -> datetime | None:
    zone = facts.lead.zone if rules.window_in_lead_zone else None
    return window.in_zone(zone).next_open(now)
