"""Stages given by hand, by lists and by fading interest, as the playbook allows."""

from dataclasses import replace

import pytest

from nurture.domain.errors import InputError
from nurture.domain.lifecycle import IMPORT, RULE, SALES, Back, Lifecycle, Stage
from nurture.domain.scoring import EngagementRule, Grades
from nurture.playbook import Playbook
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import StageChangeRow
from nurture.upkeep.relay import Relay
from nurture.versions.crossings import Crossing, crossings
from tests.support.domain import DAY, NOW, when
from tests.support.playbook import LIFECYCLE, PLAYBOOK, SCORING
from tests.support.world import OneBook, World

FADING = Back(("lead",), frozenset({RULE, SALES}), when(lambda f: f.score.total < 20), "faded")


def guarded() -> Playbook:
    """An MQL fades, only sales makes an SQL; nobody is handed over by score, demos halve every week."""
    visitor, lead, mql, sql, customer = LIFECYCLE.stages
    stages = (
        visitor,
        lead,
        replace(mql, when=when(lambda f: f.score.total >= 40), back=FADING),
        replace(sql, by=frozenset({SALES})),
        customer,
    )
    demo = EngagementRule("demo", 40, "demo_requested", half_life=7 * DAY)
    return replace(
        PLAYBOOK,
        lifecycle=Lifecycle(stages),
        scoring=replace(SCORING, engagement=(demo,), grades=Grades((30, 20, 10), (40, 20, 8))),
        handover=replace(PLAYBOOK.handover, stage=None),
    )


async def _history(world: World) -> list[tuple[str, str, str]]:
    return [(row.to_stage, row.by, row.reason) for row in await world.rows(StageChangeRow)]


async def test_interest_that_fades_takes_the_lead_back_at_the_computed_moment(db: Database) -> None:
    world = World(db, OneBook(guarded()))
    row = await world.tell("demo_requested")
    assert (row.stage, row.grade) == ("mql", "D1")
    clock = [NOW]
    relay = Relay(world.outbox, world.shelf, world.reactions, lambda: clock[-1])
    while (row := await world.lead("anna@example.org")).stage == "mql":
        assert row.next_score_at is not None
        clock.append(row.next_score_at)
        await relay.look()
    assert clock == sorted(set(clock))
    assert (row.engagement, row.grade, len(clock)) == (19, "D3", 22)
    assert 7 * DAY < clock[-1] - NOW < 8 * DAY
    assert (await _history(world))[-2:] == [("mql", RULE, ""), ("lead", RULE, "faded")]


async def test_sales_moves_a_lead_both_ways_and_says_why_it_goes_back(db: Database) -> None:
    world = World(db, OneBook(guarded()))
    await world.tell("page")
    assert await world.stages.move("anna@example.org", "sql", SALES, "", NOW) == "lead"
    with pytest.raises(InputError, match="why does the lead go back"):
        await world.stages.move("anna@example.org", "lead", SALES, "", NOW)
    await world.stages.move("anna@example.org", "lead", SALES, "on leave", NOW)
    row = await world.lead("anna@example.org")
    assert (row.stage, row.cooled_until) == ("lead", NOW + PLAYBOOK.handover.cool_off)
    assert (await _history(world))[-2:] == [("sql", SALES, ""), ("lead", SALES, "on leave")]
    assert await world.rows(HandoverRow) == []


async def test_a_lead_that_sales_has_in_hand_is_taken_back_by_its_task_only(db: Database) -> None:
    world = World(db)
    row = await world.tell("demo_requested", traits={"occupation": "pro"})
    assert (row.stage, row.sales_owned) == ("mql", True)
    with pytest.raises(
        InputError, match="sales has the lead in hand; rejecting its task takes it back"
    ):
        await world.stages.move("anna@example.org", "lead", SALES, "not now", NOW)
    [handover] = await world.rows(HandoverRow)
    assert ((await world.lead("anna@example.org")).stage, handover.closed_at) == ("mql", None)


@pytest.mark.parametrize(
    ("name", "stage", "by", "problem"),
    [
        ("bo@example.org", "sql", SALES, "nobody goes by that name"),
        ("anna@example.org", "sql", IMPORT, "sql is reached by sales, not by import"),
        ("anna@example.org", "sql", RULE, "must be import or sales"),
        ("anna@example.org", "vip", SALES, "there is no stage 'vip'"),
    ],
)
async def test_a_move_that_is_not_allowed_is_refused_and_changes_nothing(
    db: Database, name: str, stage: str, by: str, problem: str
) -> None:
    world = World(db, OneBook(guarded()))
    await world.tell("page")
    with pytest.raises(InputError, match=problem):
        await world.stages.move(name, stage, by, "", NOW)
    assert (await world.lead("anna@example.org")).stage == "lead"


async def test_a_list_may_say_how_far_its_leads_are(db: Database) -> None:
    world = World(db, OneBook(guarded()))
    row = await world.tell(None, source="import", stage="customer", reason="import/old.csv")
    assert row.stage == "customer"
    assert ("customer", IMPORT, "import/old.csv") in await _history(world)


async def test_a_stage_that_no_list_may_give_is_told_and_the_rest_of_the_row_is_taken(
    db: Database,
) -> None:
    world = World(db, OneBook(guarded()))
    row = await world.tell("page")
    row = await world.tell(None, source="import", stage="sql", traits={"first_name": "Anna"})
    assert (row.stage, row.traits) == ("lead", {"first_name": "Anna"})


async def test_a_browser_cannot_say_how_far_a_lead_is(db: Database) -> None:
    world = World(db, OneBook(guarded()))
    row = await world.tell(None, stage="customer", trusted=False)
    assert row.stage == "lead"


@pytest.mark.parametrize(
    ("points", "stage", "handed_over"), [(50, "mql", 1), (90, "hot", 1), (130, "sql", 0)]
)
async def test_a_lead_that_jumps_over_the_stage_of_the_handover_is_handed_over_too(
    db: Database, points: int, stage: str, handed_over: int
) -> None:
    """But not one that a rule lifts to where sales would."""
    visitor, lead, mql, sql, customer = (
        replace(each, when=when(lambda f, least=least: f.score.total >= least) if least else None)
        for each, least in zip(LIFECYCLE.stages, (0, 0, 45, 120, 0), strict=True)
    )
    hot = Stage("hot", "Hot", when(lambda f: f.score.total >= 80))
    demo = EngagementRule("demo", points, "demo_requested")
    stages = Lifecycle((visitor, lead, mql, hot, sql, customer))
    book = replace(PLAYBOOK, hash="p2", lifecycle=stages)
    world = World(db, shelf := OneBook(book))
    await world.tell("demo_requested")
    after = replace(book, hash="p3", scoring=replace(SCORING, engagement=(demo,)))
    async with db.read() as session:
        told = {each.stage: each for each in await crossings(session, book, after, NOW)}
    shelf.book = after
    await world.rescoring.page(NOW)
    assert (await world.lead("anna@example.org")).stage == stage
    given = [row.reason for row in await world.rows(HandoverRow)]
    title = stages.stages[stages.rank(stage)].title
    assert given == [f"reached the stage {title} with {points} points"] * handed_over
    assert told[stage] == Crossing(stage, 1, 0, handed_over)
