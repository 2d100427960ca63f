"""Who moves a lead between stages, which way; and which persona it is."""

from dataclasses import replace

import pytest

from nurture.domain.enrolment import Trigger
from nurture.domain.errors import InputError
from nurture.domain.lifecycle import IMPORT, RULE, SALES, Back, Lifecycle, Move, Stage, rest
from nurture.domain.persona import Persona, Sign, persona_of
from nurture.domain.scoring import FitRule, Scoring
from nurture.domain.settled import settled
from nurture.domain.topics import PERSONA, SCORE, STAGE
from tests.support.domain import ALWAYS_TRUE, DAY, NEVER_TRUE, NOW, facts, lead, when
from tests.support.playbook import PLAYBOOK

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


def test_a_persona_may_decide_the_score_and_that_the_stage_and_all_of_it_is_heard() -> None:
    it = Persona("it", "IT", ALWAYS_TRUE)
    fit = FitRule("it", 50, when(lambda f: f.lead.persona == "it"))
    stages = Lifecycle((Stage("lead", "Lead"), Stage("mql", "MQL", RIPE), Stage("sql", "SQL")))
    book = replace(PLAYBOOK, personas=(it,), scoring=Scoring(fit=(fit,)), lifecycle=stages)
    found, moves, heard = settled(book, facts(), [], None, NOW)
    assert (found.lead.persona, found.score.total, found.lead.stage) == ("it", 50, "mql")
    assert moves == (Move("lead", "mql"),)
    assert heard == [Trigger(PERSONA, "it"), Trigger(SCORE), Trigger(STAGE, "mql")]
    assert settled(book, found, [], None, NOW) == (found, (), [])


RIPE = when(lambda f: f.score.total >= 50)


def test_the_first_persona_that_fits_is_the_leads() -> None:
    it = Persona("it", "IT", ALWAYS_TRUE)
    boss = Persona("boss", "Boss", ALWAYS_TRUE)
    nobody = Persona("nobody", "Nobody", NEVER_TRUE)
    assert persona_of([nobody, boss, it], facts(), NOW) == "boss"
    assert persona_of([nobody], facts(), NOW) is None
    assert persona_of([], facts(), NOW) is None


def _sign(points: int, tag: str) -> Sign:
    return Sign(points, when(lambda f: tag in f.lead.tags))


BUILDER = Persona("builder", "Builder", signs=(_sign(2, "code"), _sign(1, "cloud")), at_least=2)
BUYER = Persona("buyer", "Buyer", signs=(_sign(2, "prices"), _sign(-5, "student")), at_least=2)


@pytest.mark.parametrize(
    ("tags", "becomes"),
    [
        ({"code"}, "builder"),
        ({"code", "prices"}, "builder"),
        ({"code", "prices", "cloud"}, "builder"),
        ({"prices", "cloud"}, "buyer"),
        ({"cloud"}, None),
        ({"prices", "student"}, None),
    ],
)
def test_of_scored_personas_the_one_with_most_signs_is_the_leads(
    tags: set[str], becomes: str | None
) -> None:
    who = facts(who=lead(tags=frozenset(tags)))
    assert persona_of([BUILDER, BUYER], who, NOW) == becomes


def test_a_persona_whose_rule_holds_goes_before_all_scored_ones() -> None:
    boss = Persona("boss", "Boss", when(lambda f: "boss" in f.lead.tags))
    who = lead(tags=frozenset({"code", "boss"}))
    assert persona_of([BUILDER, boss], facts(who=who), NOW) == "boss"


COLD = Back(("lead",), frozenset({RULE, SALES}), when(lambda f: f.score.total < 10), "went cold")
GUARDED = Lifecycle(
    (
        Stage("visitor", "Visitor"),
        Stage("lead", "Lead", when(lambda f: f.lead.email is not None)),
        Stage("mql", "MQL", when(lambda f: "ripe" in f.lead.tags), back=COLD),
        Stage("sql", "SQL", by=frozenset({SALES}), after=frozenset({"mql"})),
        Stage("customer", "Customer"),
    )
)


@pytest.mark.parametrize(
    ("before", "after", "by", "reason", "problem"),
    [
        ("mql", "sql", SALES, "", None),
        ("mql", "sql", IMPORT, "", "sql is reached by sales, not by import"),
        ("lead", "sql", SALES, "", "sql comes after mql"),
        ("sql", "customer", IMPORT, "", None),
        ("mql", "lead", SALES, "no budget", None),
        ("mql", "lead", SALES, "", "why does the lead go back"),
        ("mql", "visitor", SALES, "wrong", "mql goes back to lead only"),
        ("mql", "lead", IMPORT, "stale", "mql is left by rule or sales, not by import"),
        ("sql", "lead", IMPORT, "stale", None),
        ("lead", "nowhere", SALES, "", "there is no stage 'nowhere'"),
    ],
)
def test_who_may_move_a_lead_where_is_the_playbooks_to_say(
    before: str, after: str, by: str, reason: str, problem: str | None
) -> None:
    if problem is None:
        GUARDED.check(before, after, by, reason)
        return
    with pytest.raises(InputError, match=problem):
        GUARDED.check(before, after, by, reason)


def test_a_rule_takes_a_lead_back_that_has_gone_cold_but_not_from_the_hands_of_sales() -> None:
    assert GUARDED.faded(facts(who=lead(stage="mql")), NOW) == ("lead", "went cold")
    assert GUARDED.faded(facts(who=lead(stage="sql")), NOW) is None
    assert GUARDED.faded(facts(who=lead(stage="mql"), sales_owned=True), NOW) is None


def test_a_lead_that_would_rise_again_at_once_does_not_fall() -> None:
    ripe = lead(stage="mql", tags=frozenset({"ripe"}))
    assert GUARDED.faded(facts(who=ripe), NOW) is None


LADDER = Lifecycle(
    (
        Stage("visitor", "Visitor"),
        Stage("lead", "Lead", when(lambda f: f.lead.stage == "visitor")),
        Stage("mql", "MQL", when(lambda f: f.lead.stage == "lead" and "ripe" in f.lead.tags)),
        Stage("warm", "Warm", back=Back(("lead",), when=ALWAYS_TRUE, reason="went cold")),
    )
)


def test_rules_take_a_lead_up_step_by_step_and_back_only_if_none_lifts_it() -> None:
    ripe = facts(who=lead(stage="visitor", tags=frozenset({"ripe"})))
    up = [Move("visitor", "lead"), Move("lead", "mql")]
    assert list(LADDER.moves(ripe, None, NOW)) == up
    assert list(LADDER.moves(ripe, NOW + DAY, NOW)) == [], "a lead that rests stays where it is"
    warm = facts(who=lead(stage="warm"))
    fall = [Move("warm", "lead", "went cold", back=True)]
    assert list(LADDER.moves(warm, NOW, NOW)) == fall
    assert list(LADDER.moves(warm, NOW + DAY, NOW)) == fall, "and may fade nevertheless"


def test_a_rest_ends_when_its_time_is_over_and_somebody_notices() -> None:
    assert rest(NOW + DAY, noticed=True, now=NOW) == NOW + DAY
    assert rest(NOW, noticed=True, now=NOW) is None
    assert rest(NOW - DAY, noticed=False, now=NOW) == NOW - DAY
    assert rest(None, noticed=False, now=NOW) is None


def test_no_rule_lifts_a_lead_into_a_stage_that_is_not_its_to_give() -> None:
    guarded = Lifecycle(
        (Stage("lead", "Lead"), Stage("sql", "SQL", ALWAYS_TRUE, frozenset({SALES})))
    )
    assert guarded.qualified(facts(who=lead(stage="lead")), NOW) == "lead"
    assert guarded.lifts("lead", "sql", SALES)
    assert not guarded.lifts("lead", "sql", IMPORT)
    assert not guarded.lifts("sql", "lead", SALES)
