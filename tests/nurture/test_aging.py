"""What a rule asks of the past changes as time goes by: a lead that does nothing is looked at when it does."""

from dataclasses import replace
from datetime import datetime

import pytest

from nurture.domain.lifecycle import RULE, Back, Lifecycle, Stage
from nurture.domain.persona import Persona
from nurture.domain.scoring import EngagementRule, FitRule
from nurture.playbook import Playbook
from nurture.playbook.conditions import Conditions
from nurture.playbook.durations import Durations
from nurture.store.database import Database
from nurture.store.tables import LeadRow
from nurture.upkeep.relay import Relay
from tests.support.domain import DAY, NOW, when
from tests.support.playbook import LIFECYCLE, PLAYBOOK, SCORING
from tests.support.world import OneBook, World

VISITOR, LEAD, MQL, SQL, CUSTOMER = LIFECYCLE.stages
SECOND = DAY / 86_400
TOUCHES = ["page", "demo_requested"]
STAGES = [stage.id for stage in LIFECYCLE.stages]
BELIEFS = Conditions({"occupation": "text"}, STAGES, ["reader"], TOUCHES, Durations())


def _book(*stages: Stage, **fields: object) -> Playbook:
    """Nobody is handed over: these leads are marketing's."""
    ways = Lifecycle(stages or LIFECYCLE.stages)
    told = replace(PLAYBOOK, handover=replace(PLAYBOOK.handover, stage=None), lifecycle=ways)
    return replace(told, **fields)  # type: ignore[arg-type]


async def _look(world: World, at: datetime) -> LeadRow:
    await Relay(world.outbox, world.shelf, world.reactions, lambda: at).look()
    return await world.lead("anna@example.org")


async def test_a_lead_that_is_silent_for_thirty_days_goes_back_then(db: Database) -> None:
    silent = BELIEFS.compile('touches.since("demo_requested") >= 30')
    mql = replace(
        MQL,
        when=BELIEFS.compile('touches.since("demo_requested") < 1'),
        back=Back(("lead",), frozenset({RULE}), silent, "silent"),
    )
    world = World(db, OneBook(_book(VISITOR, LEAD, mql, SQL, CUSTOMER)))
    assert (await world.tell("demo_requested")).stage == "mql"
    assert (await _look(world, NOW + 20 * DAY)).stage == "mql"
    assert (await _look(world, NOW + 30 * DAY - SECOND)).stage == "mql"
    assert (await _look(world, NOW + 30 * DAY + SECOND)).stage == "lead"


async def test_points_for_what_a_lead_did_within_a_week_end_with_the_week(db: Database) -> None:
    busy = FitRule("busy", 70, BELIEFS.compile('touches.count("page", "7 days") >= 1'))
    world = World(db, OneBook(_book(scoring=replace(SCORING, fit=(busy,)))))
    await world.tell("page")
    assert (await _look(world, NOW + 7 * DAY - SECOND)).fit == 70
    assert (await _look(world, NOW + 7 * DAY + SECOND)).fit == 0


async def test_who_read_much_this_month_is_a_reader_for_a_month(db: Database) -> None:
    reads = BELIEFS.compile('touches.count("page", "30 days") >= 2')
    world = World(db, OneBook(_book(personas=(Persona("reader", "Reads", reads),))))
    await world.tell("page")
    await world.tell("page", at=NOW + DAY)
    assert (await _look(world, NOW + 30 * DAY - SECOND)).persona == "reader"
    assert (await _look(world, NOW + 30 * DAY + SECOND)).persona is None


@pytest.mark.parametrize("day", [15, 31])
async def test_a_lead_that_loses_all_its_points_falls_all_the_way(db: Database, day: int) -> None:
    def below(points: int) -> Back:
        low = when(lambda f: f.score.total < points, "score")
        return Back(("warm" if points > 10 else "lead",), frozenset({RULE}), low, "faded")

    warm = Stage("warm", "Warm", when(lambda f: f.score.total >= 20, "score"), back=below(10))
    demo = EngagementRule("demo", 80, "demo_requested", lasts=30 * DAY)
    stages = (VISITOR, LEAD, warm, replace(MQL, back=below(30)), SQL, CUSTOMER)
    book = _book(*stages, scoring=replace(SCORING, engagement=(demo,)))
    world = World(db, OneBook(book))
    assert (await world.tell("demo_requested")).stage == "mql"
    row = await _look(world, NOW + day * DAY)
    assert (row.engagement, row.stage) == ((80, "mql") if day < 30 else (0, "lead"))
