"""What rules make of a lead: its persona by what is known, its score by that, its stage by both."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Protocol

from nurture.domain import scoring, topics
from nurture.domain.enrolment import Trigger
from nurture.domain.lead import Facts
from nurture.domain.lifecycle import Lifecycle, Move, at_stage
from nurture.domain.persona import Persona, persona_of
from nurture.domain.scoring import Entry, Scoring


class Rules(Protocol):
    """Of a playbook, those that say who a lead is, how keen it is, and how far it is."""

    @property
    def personas(self) -> Sequence[Persona]: ...
    @property
    def scoring(self) -> Scoring: ...
    @property
    def lifecycle(self) -> Lifecycle: ...


class Settled(NamedTuple):
    """What is known of the lead then, the moves that brought it to its stage, and what is heard of all that."""

    facts: Facts
    moves: Sequence[Move]
    heard: Sequence[Trigger]


def settled(
    rules: Rules, facts: Facts, earned: Iterable[Entry], rests_until: datetime | None, now: datetime
) -> Settled:
    """What becomes of a lead of which these are the `facts`, with all that it `earned`."""
    heard, before = [], facts.score
    persona = persona_of(rules.personas, facts, now)
    if persona != facts.lead.persona:
        facts = replace(facts, lead=replace(facts.lead, persona=persona))
        heard.append(Trigger(topics.PERSONA, persona))
    facts = replace(facts, score=scoring.score(rules.scoring, facts, earned, now))
    if facts.score != before:
        heard.append(Trigger(topics.SCORE))
    moves = tuple(rules.lifecycle.moves(facts, rests_until, now))
    heard += [Trigger(topics.STAGE, move.stage) for move in moves]
    return Settled(at_stage(facts, moves[-1].stage) if moves else facts, moves, heard)
