"""Stages only rise by rule; the first fitting persona is the lead's."""

import pytest

from nurture.domain.lifecycle import Lifecycle, Stage
from nurture.domain.persona import Persona, persona_of
from tests.support.domain import ALWAYS_TRUE, NEVER_TRUE, NOW, facts, lead, when

STAGES = Lifecycle(
    (
        Stage("visitor", "Visitor"),
        Stage("lead", "Lead", when(lambda f: f.lead.email is not None)),
        Stage("mql", "MQL", when(lambda f: "ripe" in f.lead.tags)),
        Stage("sql", "SQL"),
        Stage("customer", "Customer", when(lambda f: "bought" in f.lead.tags)),
    )
)


@pytest.mark.parametrize(
    ("stage", "tags", "email", "becomes"),
    [
        ("visitor", set(), None, "visitor"),
        ("visitor", set(), "a@example.org", "lead"),
        ("visitor", {"ripe"}, "a@example.org", "mql"),
        ("visitor", {"ripe", "bought"}, None, "customer"),
        ("mql", set(), None, "mql"),
        ("sql", {"ripe"}, "a@example.org", "sql"),
        ("customer", {"ripe"}, "a@example.org", "customer"),
        ("renamed-since", set(), "a@example.org", "lead"),
    ],
)
def test_rules_lift_a_lead_as_high_as_they_hold_and_never_lower_it(
    stage: str, tags: set[str], email: str | None, becomes: str
) -> None:
    who = lead(stage=stage, tags=frozenset(tags), email=email)
    assert STAGES.qualified(facts(who=who), NOW) == becomes


def test_a_stage_without_a_rule_is_reached_by_nobody_alone() -> None:
    only_by_hand = Lifecycle((Stage("visitor", "Visitor"), Stage("sql", "SQL")))
    assert only_by_hand.qualified(facts(who=lead(stage="visitor")), NOW) == "visitor"


def test_the_first_persona_that_fits_is_the_leads() -> None:
    it = Persona("it", "IT", ALWAYS_TRUE)
    boss = Persona("boss", "Boss", ALWAYS_TRUE)
    nobody = Persona("nobody", "Nobody", NEVER_TRUE)
    assert persona_of([nobody, boss, it], facts(), NOW) == "boss"
    assert persona_of([nobody], facts(), NOW) is None
    assert persona_of([], facts(), NOW) is None
