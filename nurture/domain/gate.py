"""The one question asked right before every mail: may this lead get it now?"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.domain import topics
from nurture.domain.calendar import Calendar
from nurture.domain.lead import Facts

MAX_HOLD = timedelta(days=30)
"""A mail that could not go out for this long has lost its moment: it is refused, and the flow goes on."""


@dataclass(frozen=True)
class FrequencyCap:
    """At most `mails` in any `within`, over all flows."""

    mails: int
    within: timedelta


@dataclass(frozen=True)
class MailRules:
    """What a flow demands of each of its mails. `max_hold` is playbook time, like every duration."""

    purpose: str = "email_marketing"
    about: frozenset[str] = frozenset()
    window: Calendar | None = None
    window_in_lead_zone: bool = False
    cap: FrequencyCap | None = None
    max_hold: timedelta = MAX_HOLD


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


def ask(rules: MailRules, facts: Facts, now: datetime, waiting_since: datetime) -> Verdict:
    """The verdict for one mail whose turn came at `waiting_since`; the gravest reason speaks first."""
    verdict = _forbidden(rules, facts) or _held(rules, facts, now) or Send()
    if isinstance(verdict, Hold):
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
    if rules.purpose not in facts.standing.consents:
        return Refuse("no_consent")
    return None


def _held(rules: MailRules, facts: Facts, now: datetime) -> Hold | None:
    if facts.standing.sales_owned:
        return Hold("sales_owned", listens=frozenset({topics.SALES}))
    if rules.about & facts.standing.open_cases:
        return Hold("open_case", listens=frozenset({topics.CASES}))
    if rules.cap and (free := _cap_frees(rules.cap, facts, now)) > now:
        return Hold("frequency_cap", until=free)
    if rules.window and (opens := _opens(rules, facts, now)) != now:
        return Hold("send_window", until=opens)
    return None


def _cap_frees(cap: FrequencyCap, facts: Facts, now: datetime) -> datetime:
    recent = sorted(at for at in facts.standing.sent if at > now - cap.within)
    if len(recent) < cap.mails:
        return now
    return recent[len(recent) - cap.mails] + cap.within


def _opens(rules: MailRules, facts: Facts, now: datetime) -> datetime | None:
    window = rules.window
    assert window is not None
    if rules.window_in_lead_zone and facts.lead.zone:
        window = replace(window, zone=facts.lead.zone)
    return window.next_open(now)
