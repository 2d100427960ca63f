"""Buyer personas: the first rule that holds names the lead's; else the one with the most signs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.lead import Condition, Facts


@dataclass(frozen=True)
class Sign:
    """What speaks for a persona (or, with negative points, against it)."""

    points: int
    when: Condition


@dataclass(frozen=True)
class Persona:
    """Found by its rule `when`, or by its `signs` when these give `at_least` so many points together."""

    id: str
    title: str
    when: Condition | None = None
    signs: tuple[Sign, ...] = ()
    at_least: int = 1


def persona_of(personas: Sequence[Persona], facts: Facts, now: datetime) -> str | None:
    """The first persona whose rule holds, else the one with the most points; None when nothing fits.

    Of two with equal points the one that stands first.
    """
    for persona in personas:
        if persona.when and persona.when(facts, now):
            return persona.id
    points = {persona.id: _points(persona, facts, now) for persona in personas if persona.signs}
    fitting = [each for each in personas if each.signs and points[each.id] >= each.at_least]
    return max(fitting, key=lambda each: points[each.id]).id if fitting else None


def _points(persona: Persona, facts: Facts, now: datetime) -> int:
    return sum(sign.points for sign in persona.signs if sign.when(facts, now))
