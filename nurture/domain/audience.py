"""Retargeting audiences: who belongs on the list, and how the list is brought there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.domain.consent import AD_AUDIENCES
from nurture.domain.lead import Condition, Facts


@dataclass(frozen=True)
class Audience:
    """A list on an ad platform. `when` makes members by rule; a flow's steps add and remove by hand.

    `refresh`: a member confirmed longer ago is named again, before the platform lets it expire.
    `minimum`: with fewer members the platform shows no ads to them.
    """

    id: str
    title: str
    platform: str
    external_id: str
    when: Condition | None = None
    purpose: str = AD_AUDIENCES
    max_stay: timedelta | None = None
    refresh: timedelta | None = None
    minimum: int = 0


@dataclass(frozen=True)
class Membership:
    """What we know of one lead on one list. `by_step` is what a flow last asked for, if anything."""

    lead_id: str
    by_step: bool | None = None
    since: datetime | None = None
    confirmed: bool = False


def objects(audience: Audience, facts: Facts) -> bool:
    """Whether the lead may not be named to the platform at all: it does not consent, or was erased."""
    return facts.lead.erased or audience.purpose not in facts.standing.consents


def belongs(audience: Audience, facts: Facts, membership: Membership, now: datetime) -> bool:
    """Whether the lead should be on the list now. Without consent, or without an address and a phone: never."""
    if objects(audience, facts) or not (facts.lead.email or facts.lead.traits.get("phone")):
        return False
    if audience.max_stay and membership.since and now >= membership.since + audience.max_stay:
        return False
    if membership.by_step is not None:
        return membership.by_step
    return bool(audience.when and audience.when(facts, now))


def asked(membership: Membership, add: bool, there: bool) -> Membership:
    """What a flow's step makes of it. To put somebody on the list who is not `there` begins a new stay."""
    since = None if add and not there else membership.since
    return replace(membership, by_step=add, since=since)


PATIENCE = timedelta(days=1)
"""So long a platform may work on a change that it took in. After that the change is made again."""

UNCONFIRMED = "unconfirmed"
"""The reason for which it is made again then."""

_SHORTEST, _LONGEST = timedelta(minutes=15), timedelta(hours=6)
"""Between two questions about one change."""


@dataclass(frozen=True)
class Progress:
    """How far a platform is with a change that it took in, as it says. `done` with an `error`: for some only, and
    not for whom."""

    done: bool = False
    error: str = ""


def asked_next(accepted: datetime, now: datetime) -> datetime:
    """When a platform is asked again what came of a change: after as long as it has had for it so far, and last
    when its time is over."""
    gap = min(max(now - accepted, _SHORTEST), _LONGEST)
    return min(now + gap, accepted + PATIENCE)


def undone(progress: Progress, adds: bool, accepted: datetime, now: datetime) -> str:
    """Why the change is to be made again; empty: it is not, or nobody knows yet. What was done for some only is done
    again if it is a removal: somebody who is to be gone may still be there."""
    if progress.error and not (adds and progress.done):
        return progress.error
    return UNCONFIRMED if not progress.done and now >= accepted + PATIENCE else ""


def together(most: int, attempts: int) -> int:
    """How many people go into one removal after so many attempts, where the platform says later that it did not take
    all of them off, and not whom: ever fewer, until those whom it cannot take off are left, each alone.

    By fours one bad person among many is found with no more requests than by halves, and in half as many rounds, each
    of which takes hours."""
    return max(1, most >> 2 * attempts)


def changed_lists(old: Mapping[str, Audience], new: Mapping[str, Audience]) -> list[str]:
    """Names of those with something to do at once when `new` takes the place of `old`. A new list without
    a rule has nobody on it yet."""
    return sorted(
        name
        for name in {*old, *new}
        if _terms(old.get(name)) != _terms(new.get(name))
        and (name in old or new[name].when is not None)
    )


def _terms(audience: Audience | None) -> tuple[object, ...] | None:
    """What decides who is on the list, and where it is."""
    if audience is None:
        return None
    rule = audience.when.source if audience.when else None
    where = (audience.platform, audience.external_id)
    return (*where, rule, audience.purpose, audience.max_stay)
