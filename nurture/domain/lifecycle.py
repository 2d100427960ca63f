"""Stages (visitor, lead, MQL, SQL, customer) and who moves a lead between them."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.lead import Condition, Facts


@dataclass(frozen=True)
class Stage:
    """`when`: the rule that lifts a lead into the stage; without one only sales or an import does."""

    id: str
    title: str
    when: Condition | None = None


@dataclass(frozen=True)
class Lifecycle:
    """The stages in order, the lowest first."""

    stages: tuple[Stage, ...]

    def rank(self, stage: str) -> int:
        """Position from 0; an unknown stage (renamed since) counts as the lowest."""
        ids = [known.id for known in self.stages]
        return ids.index(stage) if stage in ids else 0

    def qualified(self, facts: Facts, now: datetime) -> str:
        """The highest stage the rules lift the lead to; never lower than where it is."""
        best = facts.lead.stage
        for stage in self.stages:
            higher = self.rank(stage.id) > self.rank(best)
            if higher and stage.when and stage.when(facts, now):
                best = stage.id
        return best
