"""Whose turn it is: which of the sales people gets the next lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from nurture.domain.calendar import Calendar
from nurture.domain.lead import Condition, Facts


@dataclass(frozen=True)
class Absence:
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Owner:
    """One sales person: a share of `weight` (1 or more), at most `capacity` leads in hand at a time.

    `calendar`: working hours of its own; None: the agreement's.
    """

    id: str
    weight: int = 1
    capacity: int | None = None
    absent: tuple[Absence, ...] = ()
    calendar: Calendar | None = None

    def is_there(self, now: datetime) -> bool:
        return not any(away.start <= now < away.end for away in self.absent)


@dataclass(frozen=True)
class Assignment:
    """Leads for whom all that is given holds go to these owners: one of `personas`, a trait `country` among
    `countries`, one of `products` the last that a touch named, and `when`. Capitals do not matter.
    """

    owners: tuple[str, ...]
    when: Condition | None = None
    personas: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()

    def holds(self, facts: Facts, now: datetime) -> bool:
        country = facts.lead.traits.get("country")
        return (
            _among(self.personas, facts.lead.persona)
            and _among(self.countries, country)
            and _among(self.products, _product(facts))
            and (self.when is None or self.when(facts, now))
        )


@dataclass(frozen=True)
class Load:
    """How many leads an owner got in the period that is counted for all, and has in hand now."""

    given: int = 0
    in_hand: int = 0


def choose(
    team: Sequence[Owner],
    assignments: Sequence[Assignment],
    loads: Mapping[str, Load],
    facts: Facts,
    now: datetime,
) -> str:
    """The owner of the lead: by the first assignment that holds and has somebody free.

    If none has, anybody of the team who is free, else who is there, else the whole team: a lead is never
    left without an owner. Among several it is the turn of the one furthest behind its share; of two
    equally far behind, of the first in the team.
    """
    there = [owner for owner in team if owner.is_there(now)]
    free = [owner for owner in there if _has_room(owner, loads)]
    wanted = [
        [owner for owner in free if owner.id in rule.owners]
        for rule in assignments
        if rule.holds(facts, now)
    ]
    candidates = next(group for group in [*wanted, free, there, list(team)] if group)
    return min(candidates, key=lambda owner: _turn(owner, loads)).id


def _among(names: frozenset[str], name: object) -> bool:
    """Without names, anything will do."""
    return not names or str(name or "").casefold() in {each.casefold() for each in names}


def _product(facts: Facts) -> object:
    """What the lead is interested in: the product that the latest touch of its own names."""
    named = (touch.properties.get("product") for touch in facts.touches if not touch.machine)
    return next(filter(None, named), None)


def _has_room(owner: Owner, loads: Mapping[str, Load]) -> bool:
    return owner.capacity is None or loads.get(owner.id, Load()).in_hand < owner.capacity


def _turn(owner: Owner, loads: Mapping[str, Load]) -> Fraction:
    """What the owner would have got per unit of weight; exact, so that ties are ties everywhere."""
    return Fraction(loads.get(owner.id, Load()).given + 1, owner.weight)
