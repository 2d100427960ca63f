"""The simulation and the real use cases over a database come to the same, whatever a lead does."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from nurture.domain.consent import AD_AUDIENCES, EMAIL_MARKETING
from nurture.domain.enrolment import Entry, Trigger
from nurture.domain.sla import State
from nurture.domain.topics import SALES, SCORE, STAGE
from nurture.incoming import Answer
from nurture.simulation import sales, settling
from nurture.simulation.people import Person
from nurture.simulation.world import World as Simulated
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import EnrolmentRow
from tests.support.domain import NOW, lead, when
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.world import OneBook, World

TOUCHES = ("page", "page", "page", "demo_requested", "support_case_opened", "sales_conversation")
TRAITS = ("pro", "student", None)

KEEN = when(lambda f: f.score.engagement >= 10, SCORE)
LISTED = replace(PLAYBOOK.audiences["hesitating"], when=KEEN)
BOOK = playbook(
    audiences={"hesitating": LISTED},
    entries={
        "welcome": Entry(on=frozenset({STAGE}), stage="lead"),
        "win-back": Entry(on=frozenset({"touch:page"}), when=when(lambda f: f.score.total > 20)),
    },
)


@pytest.mark.parametrize("seed", range(3))
async def test_random_touches_have_the_same_consequences(db: Database, seed: int) -> None:
    real, chance, now = World(db, OneBook(BOOK)), Random(seed), NOW
    both = frozenset({EMAIL_MARKETING, AD_AUDIENCES})
    simulated = Simulated(BOOK, now)
    await real.tell("page", at=now)
    member = simulated.arrive(Person(lead(stage="visitor"), consents=both), "page")
    assert await _real(real) == _simulated(simulated)
    for _ in range(10):
        now += timedelta(days=chance.uniform(0.1, 9))
        simulated.now = now
        if chance.random() < 0.25:
            said = {"occupation": chance.choice(TRAITS)}
            await real.tell(None, at=now, traits=said, consents=())
            simulated.tell(member, said)
        else:
            name = chance.choice(TOUCHES)
            await real.tell(name, at=now, properties={"product": "x"}, consents=())
            simulated.touch(member, name, {"product": "x"})
        assert await _real(real) == _simulated(simulated)


@pytest.mark.parametrize("seed", range(3))
async def test_what_sales_answers_and_leads_buy_has_the_same_consequences(
    db: Database, seed: int
) -> None:
    real, chance, now = World(db, OneBook(BOOK)), Random(seed), NOW
    both = frozenset({EMAIL_MARKETING, AD_AUDIENCES})
    simulated = Simulated(BOOK, now)
    await real.tell("page", at=now)
    member = simulated.arrive(Person(lead(stage="visitor"), consents=both), "page")
    for _ in range(12):
        now += timedelta(days=chance.uniform(0.1, 1))
        simulated.now = now
        match chance.choice(("order", "ripe", "rejected", "contacted", "lost", "won")):
            case "order":
                await real.tell("order_completed", at=now, properties={"amount": 5}, consents=())
                simulated.touch(member, "order_completed", {"amount": 5})
            case "ripe":
                await real.desk.open("anna@example.org", "by hand", "Bo", now)
                sales.hand_over(simulated, member, "by hand", "Bo")
                settling.settle(simulated, member, [Trigger(SALES)])
            case said if member.in_hand and member.in_hand.may_become(State(said)):
                given = await real.desk.current_of("anna@example.org")
                sold = 5 if said == "won" else None
                how = "call" if said == "contacted" else None
                told = Answer(State(said), now, reason="no budget", how=how, amount=sold)
                await real.desk.answer(str(given), told)
                sales.answer(simulated, member, member.in_hand, State(said))
        assert await _real(real) == _simulated(simulated)
        assert await _states(real) == [handed.state for handed in member.handed]


async def _states(world: World) -> list[str]:
    rows = sorted(await world.rows(HandoverRow), key=lambda row: row.ordinal)
    return [row.state for row in rows]


async def _real(world: World) -> dict[str, Any]:
    row = await world.lead("anna@example.org")
    return {
        "stage": row.stage,
        "persona": row.persona,
        "score": (row.fit, row.engagement),
        "cases": set(row.cases),
        "with sales": row.sales_owned,
        "talks until": row.talks_until,
        "runs": sorted((run.flow, run.started_at) for run in await world.rows(EnrolmentRow)),
        "lists": {m.audience for m in await world.rows(AudienceMemberRow) if m.desired},
        "handovers": [
            (each.trigger, each.reason, each.owner, each.due_at)
            for each in await world.rows(HandoverRow)
        ],
    }


def _simulated(world: Simulated) -> dict[str, Any]:
    (member,) = world.members.values()
    return {
        "stage": member.lead.stage,
        "persona": member.lead.persona,
        "score": (member.score.fit, member.score.engagement),
        "cases": set(member.open_cases),
        "with sales": member.sales_owned,
        "talks until": member.talks_until,
        "runs": sorted((run.flow, run.started_at) for run in member.runs),
        "lists": {name for name, wanted in member.on_list.items() if wanted},
        "handovers": [(each.flow, each.reason, each.owner, each.due_at) for each in member.handed],
    }
