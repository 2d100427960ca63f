"""Points: fit from what a lead says, engagement from what it does, each explained and with an expiry.

Whole numbers only, and a rule's cap applies to the sum of what is alive, so the result does not depend on
the order in which touches arrived, nor on whether it was kept up touch by touch or computed from scratch.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from nurture.domain.lead import Condition, Facts, Score, Touch

LIMIT = re.compile(r"([<>]=?)\s*(-?\d+(?:\.\d+)?)")
"""A `where` value that asks for a number's size."""


@dataclass(frozen=True)
class FitRule:
    """`points` (may be negative) while `when` holds of the lead."""

    id: str
    points: int
    when: Condition
    title: str = ""


@dataclass(frozen=True)
class EngagementRule:
    """`points` for each human touch of that name whose properties match, for `lasts` after it.

    `where` maps a property to a pattern with `*`, or to a limit such as `>= 3`; `cap` bounds the rule's
    living points (its absolute value, for a negative rule). Without `lasts` the points stay.
    """

    id: str
    points: int
    touch: str
    where: Mapping[str, str] | None = None
    cap: int | None = None
    lasts: timedelta | None = None
    title: str = ""
    group: str | None = None


@dataclass(frozen=True)
class Scoring:
    """`groups`: the most that the engagement rules of a group give together (or take, if negative)."""

    fit: tuple[FitRule, ...] = ()
    engagement: tuple[EngagementRule, ...] = ()
    groups: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """Points one touch earned by one rule."""

    rule: str
    touch_id: str
    points: int
    at: datetime
    expires_at: datetime | None = None

    def alive(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True)
class Reason:
    """One line of a score's explanation."""

    rule: str
    title: str
    points: int
    at: datetime | None = None
    expires_at: datetime | None = None


def entries(scoring: Scoring, touch: Touch) -> list[Entry]:
    """What the touch earns. A machine's touch earns nothing."""
    if touch.machine:
        return []
    return [
        Entry(
            rule.id, touch.id, rule.points, touch.at, touch.at + rule.lasts if rule.lasts else None
        )
        for rule in scoring.engagement
        if rule.touch == touch.name and _matches(rule.where or {}, touch.properties)
    ]


def score(scoring: Scoring, facts: Facts, earned: Iterable[Entry], now: datetime) -> Score:
    """The points at `now`. `facts.score` is not looked at: a fit rule cannot depend on the score."""
    fit = sum(rule.points for rule in scoring.fit if rule.when(facts, now))
    by_rule = _by_rule(scoring, earned, now)
    over = sum(_over(scoring, by_rule).values())
    return Score(fit=fit, engagement=sum(by_rule.values()) - over)


def next_change(earned: Iterable[Entry], now: datetime) -> datetime | None:
    """When the engagement score can next change by itself: the nearest expiry."""
    expiries = (e.expires_at for e in earned if e.expires_at and e.expires_at > now)
    return min(expiries, default=None)


def explain(scoring: Scoring, facts: Facts, earned: Sequence[Entry], now: datetime) -> list[Reason]:
    """Every point of `score`, most points first. A capped rule is one line with what counts, and what a
    group gives beyond its cap is a line that takes it off again.
    """
    reasons = [
        Reason(rule.id, rule.title or rule.id, rule.points)
        for rule in scoring.fit
        if rule.when(facts, now)
    ]
    titles = {rule.id: rule.title or rule.id for rule in scoring.engagement}
    by_rule = _by_rule(scoring, earned, now)
    reasons += [
        Reason(f"cap/{group}", f"Beyond what {group} may give", -points)
        for group, points in _over(scoring, by_rule).items()
    ]
    for rule_id, points in by_rule.items():
        alive = [e for e in earned if e.rule == rule_id and e.alive(now)]
        expiry = min((e.expires_at for e in alive if e.expires_at), default=None)
        latest = max(e.at for e in alive)
        reasons.append(Reason(rule_id, titles[rule_id], points, latest, expiry))
    return sorted(reasons, key=lambda reason: (-reason.points, reason.rule))


def _by_rule(scoring: Scoring, earned: Iterable[Entry], now: datetime) -> dict[str, int]:
    """Living points of each rule still in force, capped."""
    caps = {rule.id: rule.cap for rule in scoring.engagement}
    sums: dict[str, int] = defaultdict(int)
    for entry in earned:
        if entry.rule in caps and entry.alive(now):
            sums[entry.rule] += entry.points
    return {rule: _capped(points, caps[rule]) for rule, points in sums.items()}


def _over(scoring: Scoring, by_rule: Mapping[str, int]) -> dict[str, int]:
    """What each group gives beyond its cap; groups within theirs are left out."""
    sums: dict[str, int] = defaultdict(int)
    for rule in scoring.engagement:
        if rule.group in scoring.groups:
            sums[str(rule.group)] += by_rule.get(rule.id, 0)
    over = {group: sums[group] - _capped(sums[group], scoring.groups[group]) for group in sums}
    return {group: points for group, points in over.items() if points}


def _capped(points: int, cap: int | None) -> int:
    return points if cap is None else max(-cap, min(cap, points))


def _matches(where: Mapping[str, str], properties: Mapping[str, Any]) -> bool:
    return all(
        key in properties and _like(str(properties[key]).lower(), pattern.lower())
        for key, pattern in where.items()
    )


def _like(text: str, pattern: str) -> bool:
    """Only `*` is special: addresses are full of `?`, and of brackets at times."""
    if limit := LIMIT.fullmatch(pattern):
        return _within(text, limit[1], float(limit[2]))
    return fnmatchcase(text, pattern.replace("[", "[[]").replace("?", "[?]"))


def _within(text: str, sign: str, limit: float) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return {
        ">=": number >= limit,
        "<=": number <= limit,
        ">": number > limit,
        "<": number < limit,
    }[sign]
