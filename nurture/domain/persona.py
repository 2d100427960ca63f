"""Buyer personas: the first rule that holds names the lead's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.lead import Condition, Facts


@dataclass(frozen=True)
class Persona:
    id: str
    title: str
    when: Condition


def persona_of(personas: Sequence[Persona], facts: Facts, now: datetime) -> str | None:
    """The first persona whose rule holds; None when nothing fits."""
    return next((persona.id for persona in personas if persona.when(facts, now)), None)
