"""Points: fit from what a lead says, engagement from what it does, each explained and with an expiry.

Whole numbers only, and a rule's cap applies to the sum of what is alive, so the result does not depend on
the order in which touches arrived, nor on whether it was kept up touch by touch or computed from scratch.
An entry keeps its points whole; what is left of them is the rule's to say, as its cap is.
"""

import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import translate
from functools import cached_property, partial
from typing import Any, NamedTuple

from nurture.domain import decay
from nurture.domain.lead import Condition, Facts, Score, Touch

LIMIT = re.compile(r"([<>]=?)\s*(-?\d+(?:\.\d+)?)")
"""A `where` value that asks for a number's size."""


CAP = "cap/"
"""What the rule of a reason begins with that takes off what a group gives beyond its cap."""


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
    living points (its absolute value, for a negative rule). With a `half_life` they fade until nothing is
    left; without it and `lasts` they stay.
    """

    id: str
    points: int
    touch: str
    where: Mapping[str, str] | None = None
    cap: int | None = None
    lasts: timedelta | None = None
    title: str = ""
    group: str | None = None
    half_life: timedelta | None = None

    def matches(self, properties: Mapping[str, Any]) -> bool:
        """Whether the properties are as `where` asks."""
        for key, like in self._likenesses:
            if key not in properties or not like(str(properties[key]).lower()):
                return False
        return True

    @cached_property
    def _likenesses(self) -> Sequence[tuple[str, Callable[[str], object]]]:
        return [(key, _likeness(text.lower())) for key, text in (self.where or {}).items()]

    @cached_property
    def life(self) -> timedelta | None:
        """How long the points of a touch live; None: for ever."""
        return decay.lasts(self.points, self.half_life) if self.half_life else self.lasts

    def expiry(self, at: datetime) -> datetime | None:
        """When points earned `at` are gone."""
        return at + self.life if self.life else None


@dataclass(frozen=True)
class Grades:
    """From how many points on a lead is A, B, C (else D) by its fit, and 1, 2, 3 (else 4) by engagement."""

    fit: tuple[int, int, int]
    engagement: tuple[int, int, int]

    def of(self, fit: int, engagement: int) -> str:
        return "ABCD"[_place(self.fit, fit)] + "1234"[_place(self.engagement, engagement)]


GRADES = tuple(letter + digit for letter in "ABCD" for digit in "1234")


@dataclass(frozen=True)
class Scoring:
    """`groups`: the most that the engagement rules of a group give together (or take, if negative)."""

    fit: tuple[FitRule, ...] = ()
    engagement: tuple[EngagementRule, ...] = ()
    groups: Mapping[str, int] = field(default_factory=dict)
    grades: Grades | None = None

    @cached_property
    def rules(self) -> Mapping[str, EngagementRule]:
        """The engagement rules by id."""
        return {rule.id: rule for rule in self.engagement}

    @cached_property
    def by_touch(self) -> Mapping[str, Sequence[EngagementRule]]:
        """The engagement rules by the touch they look at."""
        found: dict[str, list[EngagementRule]] = defaultdict(list)
        for rule in self.engagement:
            found[rule.touch].append(rule)
        return dict(found)

    @cached_property
    def fading(self) -> "Scoring":
        """The engagement rules whose points lose worth before they expire: their entries count one by one. The living
        entries of the others may be told as one."""
        return Scoring(engagement=tuple(rule for rule in self.engagement if rule.half_life))

    @cached_property
    def reach(self) -> timedelta | None:
        """How old a touch can be that still gives points; None: as old as can be."""
        lives = [rule.life for rule in self.engagement]
        return None if None in lives else max(filter(None, lives), default=timedelta())


class Entry(NamedTuple):
    """Points one touch earned by one rule, whole as on the first day.

    Living entries of a rule that does not fade may be told as one: the sum, and when the first is gone.
    """

    rule: str
    touch_id: str
    points: int
    at: datetime
    expires_at: datetime | None = None

    def alive(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True)
class Reason:
    """One line of a score's explanation. `touches`: what each living touch still gives, before the cap;
    `at` is the latest of them, `expires_at` when the first is gone. `touch` is what they are called; `fading`: they
    lose worth before they are gone."""

    rule: str
    title: str
    points: int
    at: datetime | None = None
    expires_at: datetime | None = None
    touches: tuple[Entry, ...] = ()
    touch: str = ""
    fading: bool = False


def entries(scoring: Scoring, touch: Touch) -> list[Entry]:
    """What the touch earns. A machine's touch earns nothing."""
    if touch.machine:
        return []
    return [
        Entry(rule.id, touch.id, rule.points, touch.at, rule.expiry(touch.at))
        for rule in scoring.by_touch.get(touch.name, ())
        if rule.matches(touch.properties)
    ]


def score(scoring: Scoring, facts: Facts, earned: Iterable[Entry], now: datetime) -> Score:
    """The points at `now`. `facts.score` is not looked at: a fit rule cannot depend on the score."""
    fit = sum(rule.points for rule in scoring.fit if rule.when(facts, now))
    return scored(scoring, fit, earned, now)


def scored(scoring: Scoring, fit: int, earned: Iterable[Entry], now: datetime) -> Score:
    """The points at `now` of a lead whose fit is known."""
    by_rule = _by_rule(scoring, earned, now)
    engagement = sum(by_rule.values()) - sum(_over(scoring, by_rule).values())
    return Score(fit, engagement, scoring.grades.of(fit, engagement) if scoring.grades else "")


def next_change(scoring: Scoring, earned: Iterable[Entry], now: datetime) -> datetime | None:
    """When the engagement score can next change by itself: the nearest loss of a point."""
    rules = scoring.rules
    losses = [_next_loss(rules[entry.rule], entry, now) for entry in earned if entry.rule in rules]
    return min((at for at in losses if at), default=None)


def _next_loss(rule: EngagementRule, entry: Entry, now: datetime) -> datetime | None:
    if rule.half_life:
        age = decay.next_drop(entry.points, now - entry.at, rule.half_life)
        return entry.at + age if age else None
    return entry.expires_at if entry.expires_at and now < entry.expires_at else None


def tally(scoring: Scoring, earned: Iterable[Entry], now: datetime) -> list[Entry]:
    """The living entries of each rule that does not fade, told as one. It holds until the score next changes by itself:
    what is earned meanwhile may be added to it, and the entries themselves need not be looked at again."""
    found: dict[str, Entry] = {}
    fading = scoring.fading.rules
    for entry in earned:
        if entry.rule not in fading and entry.alive(now):
            so_far = found.get(entry.rule)
            found[entry.rule] = _joined(so_far, entry) if so_far else entry
    return [found[rule] for rule in sorted(found)]


def living(scoring: Scoring, earned: Iterable[Entry], now: datetime) -> list[Entry]:
    """What counts at `now`, in as few entries as say it: a tally, and one by one what fades."""
    every, fading = list(earned), scoring.fading.rules
    return [
        *tally(scoring, every, now),
        *(entry for entry in every if entry.rule in fading and entry.alive(now)),
    ]


def _joined(one: Entry, other: Entry) -> Entry:
    first, second = one.expires_at, other.expires_at
    end = min(first, second) if first and second else first or second
    points, latest = one.points + other.points, max(one.at, other.at)
    return Entry(one.rule, one.touch_id, points, latest, end)


def explain(scoring: Scoring, facts: Facts, earned: Sequence[Entry], now: datetime) -> list[Reason]:
    """Every point of `score`, most points first. A capped rule is one line with what counts, and what a
    group gives beyond its cap is a line that takes it off again.
    """
    reasons = [
        Reason(rule.id, rule.title or rule.id, rule.points)
        for rule in scoring.fit
        if rule.when(facts, now)
    ]
    rules = scoring.rules
    by_rule = _by_rule(scoring, earned, now)
    reasons += [
        Reason(f"{CAP}{group}", f"Beyond what {group} may give", -points)
        for group, points in _over(scoring, by_rule).items()
    ]
    reasons += [_reason(rules[id_], points, earned, now) for id_, points in by_rule.items()]
    return sorted(reasons, key=lambda reason: (-reason.points, reason.rule))


def _reason(rule: EngagementRule, points: int, earned: Iterable[Entry], now: datetime) -> Reason:
    alive = _alive(rule, earned, now)
    return Reason(
        rule.id,
        rule.title or rule.id,
        points,
        at=max(entry.at for entry in alive),
        expires_at=min((entry.expires_at for entry in alive if entry.expires_at), default=None),
        touches=alive,
        touch=rule.touch,
        fading=rule.half_life is not None,
    )


def _alive(rule: EngagementRule, earned: Iterable[Entry], now: datetime) -> tuple[Entry, ...]:
    """The rule's living entries, newest first, each with what is left of it."""
    alive = (entry for entry in earned if entry.rule == rule.id and entry.alive(now))
    left = (entry._replace(points=_worth(rule, entry, now)) for entry in alive)
    return tuple(sorted(left, key=lambda entry: (entry.at, entry.touch_id), reverse=True))


def _by_rule(scoring: Scoring, earned: Iterable[Entry], now: datetime) -> dict[str, int]:
    """Living points of each rule still in force, capped."""
    rules = scoring.rules
    sums: dict[str, int] = defaultdict(int)
    for entry in earned:
        rule = rules.get(entry.rule)
        if rule and entry.alive(now):
            sums[entry.rule] += _worth(rule, entry, now)
    return {rule: _capped(points, rules[rule].cap) for rule, points in sums.items()}


def _worth(rule: EngagementRule, entry: Entry, now: datetime) -> int:
    if rule.half_life is None:
        return entry.points
    return decay.worth(entry.points, now - entry.at, rule.half_life)


def _over(scoring: Scoring, by_rule: Mapping[str, int]) -> dict[str, int]:
    """What each group gives beyond its cap; groups within theirs are left out."""
    if not scoring.groups:
        return {}
    sums: dict[str, int] = defaultdict(int)
    for rule_id, points in by_rule.items():
        if (group := scoring.rules[rule_id].group) in scoring.groups:
            sums[str(group)] += points
    over = {group: sums[group] - _capped(sums[group], scoring.groups[group]) for group in sums}
    return {group: points for group, points in over.items() if points}


def lost(scoring: Scoring, points: Mapping[str, int], rule: str) -> int:
    """What a lead with these points by rule would lose without that one: what the others of its group give
    comes through where the group's cap kept it back."""
    gave = points.get(rule, 0)
    group = scoring.rules[rule].group if rule in scoring.rules else None
    if not gave or group is None or group not in scoring.groups:
        return gave
    whole = sum(points.get(each.id, 0) for each in scoring.engagement if each.group == group)
    cap = scoring.groups[group]
    return _capped(whole, cap) - _capped(whole - gave, cap)


def _place(limits: Sequence[int], points: int) -> int:
    return next((n for n, limit in enumerate(limits) if points >= limit), len(limits))


def _capped(points: int, cap: int | None) -> int:
    return points if cap is None else max(-cap, min(cap, points))


def _likeness(pattern: str) -> Callable[[str], object]:
    """The question whether a text is like the pattern. Only `*` is special: addresses are full of `?`, and
    of brackets at times."""
    if limit := LIMIT.fullmatch(pattern):
        return partial(_within, limit[1], float(limit[2]))
    return re.compile(translate(pattern.replace("[", "[[]").replace("?", "[?]"))).match


def _within(sign: str, limit: float, text: str) -> bool:
    try:
        return bool(_COMPARE[sign](float(text), limit))
    except ValueError:
        return False


_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
