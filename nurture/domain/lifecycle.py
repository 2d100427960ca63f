"""Stages (visitor, lead, MQL, SQL, customer), and who may move a lead between them, which way and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from nurture.domain.errors import InputError
from nurture.domain.lead import Condition, Facts

RULE, SALES, IMPORT = "rule", "sales", "import"
ROLES = frozenset({RULE, SALES, IMPORT})
"""Who moves leads: the playbook's own rules; people at sales; lists and other systems."""
OUTSIDE = ROLES - {RULE}


@dataclass(frozen=True)
class Back:
    """The way down from a stage: `to` which, `by` whom. A rule takes it when `when` holds, to the first of
    `to` and for `reason`; anybody else says why."""

    to: tuple[str, ...]
    by: frozenset[str] = OUTSIDE
    when: Condition | None = None
    reason: str = ""


@dataclass(frozen=True)
class Stage:
    """`when`: the rule that lifts a lead into the stage. `by`: who may lift it there, `after`: from which
    stages (None: any lower one). `back`: the way down from here; None: sales and imports to any lower one.
    """

    id: str
    title: str
    when: Condition | None = None
    by: frozenset[str] = ROLES
    after: frozenset[str] | None = None
    back: Back | None = None

    @property
    def ruled(self) -> bool:
        """Whether a rule lifts leads here, or takes them back from here."""
        return bool(self.when or (self.back and self.back.when))

    @property
    def topics(self) -> frozenset[str]:
        """What can change whether a rule lifts a lead here, or takes it away again."""
        rules = (self.when, self.back and self.back.when)
        return frozenset(topic for rule in rules if rule for topic in rule.topics)


class Move(NamedTuple):
    """A rule takes a lead from one stage to another: up, or `back` for a `reason`."""

    before: str
    stage: str
    reason: str = ""
    back: bool = False


def rest(until: datetime | None, noticed: bool, now: datetime) -> datetime | None:
    """What is left of a lead's rest; None: it is over. That is `noticed` by a look that is due, or by whatever is heard
    of the lead. Changed rules alone end no rest: they would hand over in a heap whoever was not looked at in time."""
    return None if until and until <= now and noticed else until


@dataclass(frozen=True)
class Lifecycle:
    """The stages in order, the lowest first."""

    stages: tuple[Stage, ...]

    def rank(self, stage: str) -> int:
        """Position from 0; an unknown stage (renamed since) counts as the lowest."""
        return self._ranks.get(stage, 0)

    @cached_property
    def _ranks(self) -> Mapping[str, int]:
        return {stage.id: rank for rank, stage in enumerate(self.stages)}

    def moves(self, facts: Facts, rests_until: datetime | None, now: datetime) -> Iterator[Move]:
        """All that the rules do with the lead now, in order. They lift it, unless it rests still (see `rest`), as long
        as a stage fulfils the rule of the next; one that no rule lifts may have faded, and fall more than once."""
        was = before = facts.lead.stage
        while rests_until is None and (stage := self.qualified(facts, now)) != before:
            yield Move(before, stage)
            facts, before = at_stage(facts, stage), stage
        while before == was and (fall := self.faded(facts, now)):
            yield Move(facts.lead.stage, *fall, back=True)
            facts = at_stage(facts, fall[0])

    def qualified(self, facts: Facts, now: datetime) -> str:
        """The highest stage the rules lift the lead to; never lower than where it is."""
        best = facts.lead.stage
        for stage in self.stages[self.rank(best) + 1 :]:
            if _opens(stage, best, RULE) and stage.when and stage.when(facts, now):
                best = stage.id
        return best

    def reached(self, stage: str, points: int) -> str:
        """Why a lead is handed over that its score lifted there, for people."""
        return f"reached the stage {self.stages[self.rank(stage)].title} with {points} points"

    def faded(self, facts: Facts, now: datetime) -> tuple[str, str] | None:
        """The lower stage a rule takes the lead back to, and why; None: it stays where it is.

        Sales keeps what it has in hand, and a lead that would rise again at once does not fall.
        """
        back = self.stages[self.rank(facts.lead.stage)].back
        if facts.standing.sales_owned or not back or not back.when or not back.when(facts, now):
            return None
        lower = self.qualified(at_stage(facts, back.to[0]), now)
        return (back.to[0], back.reason) if lower == back.to[0] else None

    def rules(self, stage: str) -> Iterator[Condition]:
        """What the rules ask of a lead that is there: to lift it, and to take it back, where others lift it again."""
        rank = self.rank(stage)
        back = self.stages[rank].back
        lowest = min(rank, self.rank(back.to[0])) if back and back.when else rank
        found = [each.when for each in self.stages[lowest + 1 :]]
        yield from filter(None, [*found, back and back.when])

    def check(self, before: str, after: str, by: str, reason: str = "") -> None:
        """Raises InputError, saying what is allowed, when `by` may not move a lead so."""
        ids = [stage.id for stage in self.stages]
        if after not in ids:
            raise InputError(f"there is no stage {after!r}; there are {', '.join(ids)}", "stage")
        if self.rank(after) < self.rank(before):
            self._check_down(self.stages[self.rank(before)], after, by, reason)
            return
        stage = self.stages[self.rank(after)]
        if by not in stage.by:
            raise InputError(f"{after} is reached by {_either(stage.by)}, not by {by}", "by")
        if not _opens(stage, before, by):
            raise InputError(f"{after} comes after {_either(stage.after or ())}", "stage")

    def lifts(self, before: str, after: str, by: str) -> bool:
        """Whether `by` may move a lead up to the stage; False when it is no higher one."""
        stage = self.stages[self.rank(after)]
        return self.rank(after) > self.rank(before) and _opens(stage, before, by)

    def _check_down(self, stage: Stage, after: str, by: str, reason: str) -> None:
        back = stage.back or Back(tuple(each.id for each in self.stages))
        if by not in back.by:
            raise InputError(f"{stage.id} is left by {_either(back.by)}, not by {by}", "by")
        if after not in back.to:
            raise InputError(f"{stage.id} goes back to {_either(back.to)} only", "stage")
        if not reason:
            raise InputError("is needed: why does the lead go back?", "reason")


def at_stage(facts: Facts, stage: str) -> Facts:
    """What would be known of the lead if it were there."""
    return replace(facts, lead=replace(facts.lead, stage=stage))


def _opens(stage: Stage, before: str, by: str) -> bool:
    return by in stage.by and (stage.after is None or before in stage.after)


def _either(names: Iterable[str]) -> str:
    return " or ".join(sorted(names)) or "nobody"
