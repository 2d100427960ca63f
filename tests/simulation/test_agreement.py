"""The simulation and the real use cases over a database come to the same, whatever a lead does."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import repeat
from random import Random
from typing import Any

import pytest

from nurture.domain.calendar import Span
from nurture.domain.consent import AD_AUDIENCES, EMAIL_MARKETING
from nurture.domain.enrolment import CONDITION, Entry, Trigger
from nurture.domain.errors import InputError
from nurture.domain.flow import WaitUntil
from nurture.domain.lifecycle import Lifecycle, Stage
from nurture.domain.owners import Absence, Owner
from nurture.domain.scoring import FitRule
from nurture.domain.sla import State, Team
from nurture.domain.topics import LEAD, SALES, SCORE, STAGE
from nurture.incoming import Answer
from nurture.playbook import Playbook
from nurture.playbook.conditions import Conditions
from nurture.playbook.durations import Durations
from nurture.simulation import sales, settling
from nurture.simulation.member import Member
from nurture.simulation.people import Person
from nurture.simulation.world import World as Simulated
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverEventRow, HandoverRow, SaleRow
from nurture.store.tables import EnrolmentRow
from nurture.upkeep.relay import Relay
from tests.support.domain import DAY, HOUR, NOW, lead, when
from tests.support.playbook import PLAYBOOK, WIN_BACK, playbook
from tests.support.world import OneBook, World

TOUCHES = (
    *("page", "page", "page", "demo_requested", "sales_conversation", "order_completed"),
    *("support_case_opened", "support_case_opened", "support_case_closed"),
)
ABOUT: tuple[dict[str, Any], ...] = (
    {"product": "x"},
    {"product": "x", "case": "1"},
    {"product": "X", "case": "2"},
    {"product": "y", "amount": 400},
)
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
            name, about = chance.choice(TOUCHES), chance.choice(ABOUT)
            await real.tell(name, at=now, properties=about, consents=())
            simulated.touch(member, name, about)
        assert await _real(real) == _simulated(simulated)


NO_BOOKING = replace(BOOK.handover.terms, contacted=("call",))
CALLS = replace(BOOK, handover=replace(BOOK.handover, terms=NO_BOOKING))
"""Where a booked meeting is no contact."""


@pytest.mark.parametrize(
    ("seed", "book"), [(0, BOOK), (1, BOOK), (5, BOOK), (0, CALLS), (1, CALLS), (6, CALLS)]
)
async def test_what_sales_answers_and_leads_buy_has_the_same_consequences(
    db: Database, seed: int, book: Playbook
) -> None:
    real, chance, now = World(db, OneBook(book)), Random(seed), NOW
    both = frozenset({EMAIL_MARKETING, AD_AUDIENCES})
    simulated = Simulated(book, now)
    await real.tell("page", at=now)
    member = simulated.arrive(Person(lead(stage="visitor"), consents=both), "page")
    for _ in range(12):
        now += timedelta(days=chance.uniform(0.1, 1))
        simulated.now = now
        match chance.choice(("order", "ripe", "ripe", *ANSWERED)):
            case "order":
                await real.tell("order_completed", at=now, properties=DEAL, consents=())
                simulated.touch(member, "order_completed", DEAL)
            case "ripe":
                await real.desk.open("anna@example.org", "by hand", "Bo", now)
                sales.hand_over(simulated, member, "by hand", "Bo")
                settling.settle(simulated, member, [Trigger(SALES)])
            case said if member.handed:
                number = chance.randrange(len(member.handed))
                sold = DEAL["amount"] if said == "won" else None
                how = "call" if said == "contacted" else None
                until = now + sales.MEETING if said == "booked" else None
                told = Answer(
                    State(said), now, reason="no budget", how=how, amount=sold, until=until
                )
                with suppress(InputError):
                    await real.desk.answer((await _handovers(real))[number].id, told)
                sales.answer(simulated, member, member.handed[number], State(said))
        assert await _real(real) == _simulated(simulated)
        assert [(row.state, row.contacted_at) for row in await _handovers(real)] == [
            (handed.state, handed.contacted_at) for handed in member.handed
        ]
        named = {row.id for row in await _handovers(real) if row.amount is not None}
        sold = sorted((row.at, row.handover_id in named) for row in await real.rows(SaleRow))
        assert sold == sorted((sale.at, sale.said) for sale in member.sold)
        assert await _heard(real) == [e.about for e in simulated.events if e.what == "enriched"]


DEAL = {"amount": BOOK.promise.average_revenue}
ANSWERED = ("accepted", "booked", "contacted", "rejected", "lost", "won")


async def _heard(world: World) -> list[str]:
    """What sales heard of leads that it had in hand."""
    rows = await world.rows(HandoverEventRow)
    return [row.detail for row in sorted(rows, key=lambda row: row.id) if row.kind == "enriched"]


async def _handovers(world: World) -> list[HandoverRow]:
    return sorted(await world.rows(HandoverRow), key=lambda row: row.ordinal)


CEL = Conditions({"renews": "date"}, [], [], ["page"], Durations())
QUIET = CEL.compile('touches.since("page") * 24.0 >= 480.0')
SILENT = CEL.compile('touches.since("page") >= 15')
VISITOR, LEAD_STAGE, MQL, *REST = PLAYBOOK.lifecycle.stages
HOT = Stage("hot", "Hot", when(lambda f: f.score.total >= 80, SCORE))
RENEWAL = WaitUntil(trait="renews", offset=timedelta(days=-7))
NAMES = ("win-back", "silent", "renewal")
TIMES = playbook(
    flows={name: replace(WIN_BACK, id=name) for name in NAMES},
    sender_of=dict.fromkeys(NAMES, "courses"),
    entries={
        "win-back": Entry(frozenset()),
        "silent": Entry(frozenset({CONDITION}), when=SILENT),
        "renewal": Entry(frozenset({LEAD}), date=RENEWAL, opens=NOW + timedelta(days=10)),
    },
    scoring=replace(PLAYBOOK.scoring, fit=(FitRule("quiet", 40, QUIET),)),
    lifecycle=Lifecycle((VISITOR, LEAD_STAGE, MQL, HOT, *REST)),
)


async def test_what_time_alone_does_to_a_lead_has_the_same_consequences(db: Database) -> None:
    """A flow opens, a silence is long enough, a rest is over."""
    real, simulated = World(db, OneBook(TIMES)), Simulated(TIMES, NOW)
    told = {"renews": (NOW + timedelta(days=90)).isoformat()}
    await real.tell("page", at=NOW, traits=told)
    await real.tell("demo_requested", consents=())
    member = simulated.arrive(Person(lead(stage="visitor", traits=told)), "page")
    simulated.touch(member, "demo_requested", {})
    seen = []
    for days in (9, 11, 14, 16, 19, 21, 50, 52):
        await _pass(real, NOW + timedelta(days=days))
        simulated.run(NOW + timedelta(days=days))
        assert await _real(real) == _simulated(simulated)
        seen.append((member.lead.stage, len(member.runs), len(member.handed)))
        if days == 21:
            await _reject(real, simulated.now)
            sales.answer(simulated, member, member.handed[0], State.REJECTED)
    assert seen == [
        *[("lead", 0, 0), ("lead", 1, 0)],  # the renewal's flow opens
        *[("lead", 1, 0), ("lead", 2, 0)],  # a silence of 15 days, ...
        *[("lead", 2, 0), ("hot", 2, 1)],  # ... and of 20
        *[("lead", 3, 1), ("hot", 3, 2)],  # a rest of 30
    ]


def _on_terms(team: Team = PLAYBOOK.handover.team, **terms: Any) -> tuple[Simulated, Member]:
    """A simulated lead that sales was given under those terms."""
    agreed = replace(PLAYBOOK.handover.terms, **terms)
    rule = replace(PLAYBOOK.handover, team=team, terms=agreed)
    simulated = Simulated(playbook(handover=rule), NOW)
    member = simulated.arrive(Person(lead(stage="lead")), "page")
    sales.hand_over(simulated, member, "by hand", "Bo")
    return simulated, member


def test_a_simulated_colleague_is_not_given_the_leave_of_the_one_before() -> None:
    away = Owner("Anna", absent=(Absence(NOW + DAY, NOW + 15 * DAY),))
    team = Team("sales", "Sales", ("Anna", "Bo"), people=(away, Owner("Bo")))
    simulated, member = _on_terms(team, accept_within=Span(HOUR), remind_at=(0.75,))
    simulated.run(NOW + 1.6 * DAY)
    told = [(each.what, each.about) for each in simulated.story(member.lead.id)]
    assert told[-2:] == [("reassigned", "Bo"), ("reminded", "Bo")]


def test_a_simulated_talk_before_a_booked_meeting_leaves_time_for_the_meeting() -> None:
    terms = {"contacted": ("call",), "outcome_within": Span(HOUR), "remind_at": ()}
    simulated, member = _on_terms(**terms)
    [handed] = member.handed
    sales.answer(simulated, member, handed, State.BOOKED)
    simulated.now += HOUR
    sales.answer(simulated, member, handed, State.CONTACTED)
    simulated.run(NOW + sales.MEETING + HOUR / 2)
    assert handed.state is State.CONTACTED
    simulated.run(NOW + sales.MEETING + 2 * HOUR)
    assert handed.state is State.RECYCLED


async def _pass(world: World, until: datetime) -> None:
    """Whatever is to be looked at before then."""
    while (at := (await world.lead("anna@example.org")).next_score_at) and at < until:
        await Relay(world.outbox, world.shelf, world.reactions, repeat(at).__next__).look()


async def _reject(world: World, now: datetime) -> None:
    [handover] = await world.rows(HandoverRow)
    await world.desk.answer(handover.id, Answer(State.REJECTED, now, reason="no budget"))


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
            (each.trigger, each.reason, each.owner, each.due_at) for each in await _handovers(world)
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
