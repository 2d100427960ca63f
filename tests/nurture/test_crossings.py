"""What `nurture plan` tells of stages and audiences is what then happens."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.audiences.comparing import Effect, compare, effects
from nurture.domain.audience import Audience
from nurture.domain.lifecycle import RULE, SALES, Back, Lifecycle
from nurture.domain.persona import Persona
from nurture.domain.scoring import EngagementRule, FitRule
from nurture.playbook import Playbook
from nurture.store import ad_lists
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import StageChangeRow
from nurture.versions.crossings import Crossing, crossings
from tests.support.domain import DAY, NOW, when
from tests.support.fresh import Fresh
from tests.support.playbook import LIFECYCLE, PLAYBOOK, SCORING
from tests.support.world import OneBook, World

GENEROUS = replace(
    PLAYBOOK,
    hash="p2",
    scoring=replace(SCORING, engagement=(EngagementRule("pages", 70, "page", lasts=30 * DAY),)),
)
COLD = Back(("lead",), frozenset({RULE, SALES}), when(lambda f: f.score.total < 25), "went cold")


def _demos(points: int, **changes: Any) -> Playbook:
    """Stages as they come with the product, a demo that is worth so much, and points for a persona."""
    visitor, lead, mql, sql, customer = LIFECYCLE.stages
    ripe = when(lambda f: f.lead.stage == "lead" and f.score.total >= 40)
    mql = replace(mql, when=ripe, back=COLD)
    demo = EngagementRule("demo", points, "demo_requested", lasts=90 * DAY)
    fit = FitRule("pro", 30, when(lambda f: f.lead.persona == "pro"))
    book = replace(
        PLAYBOOK,
        hash=f"demos {points} {sorted(changes)}",
        lifecycle=Lifecycle((visitor, lead, mql, sql, customer)),
        scoring=replace(SCORING, engagement=(demo,), fit=(fit,)),
    )
    return replace(book, **changes)


async def _planned(world: World, before: Playbook, after: Playbook) -> list[Crossing]:
    async with world.db.read() as session:
        return await crossings(session, before, after, NOW)


async def test_who_crosses_a_threshold_is_counted_before_it_happens(db: Database) -> None:
    world = World(db)
    await world.tell("page")
    await world.tell("demo_requested", email="bo@example.org", traits={"occupation": "pro"})
    found = await _planned(world, PLAYBOOK, GENEROUS)
    assert found == [Crossing("lead", 0, 0), Crossing("mql", 1, 0, handed_over=1)]
    assert (await world.lead("anna@example.org")).engagement == 5


async def test_leads_that_fewer_points_take_back_are_told_before(db: Database) -> None:
    before = _demos(40, handover=replace(PLAYBOOK.handover, stage=None))
    world = World(db, OneBook(before))
    for name in "abc":
        row = await world.tell("demo_requested", email=f"{name}@example.org")
        assert row.stage == "mql"
    found = await _planned(world, before, _demos(10))
    assert found == [Crossing("lead", 0, 0), Crossing("mql", 0, 3)]


NOBODY = [Crossing("lead", 0, 0), Crossing("mql", 0, 0)]


async def test_a_lead_that_sales_has_in_hand_is_not_told_to_be_taken_back(db: Database) -> None:
    world = World(db, OneBook(before := _demos(40)))
    assert (await world.tell("demo_requested")).sales_owned
    assert await _planned(world, before, _demos(10)) == NOBODY


async def test_a_customer_is_not_told_to_qualify_again(db: Database) -> None:
    world = World(db)
    await world.tell("page")
    await world.stages.move("anna@example.org", "customer", SALES, "", NOW)
    assert await _planned(world, PLAYBOOK, GENEROUS) == NOBODY


async def test_a_lead_that_rests_is_not_told_to_qualify(db: Database) -> None:
    world = World(db)
    await world.tell("page")
    await world.stages.move("anna@example.org", "sql", SALES, "", NOW)
    await world.stages.move("anna@example.org", "lead", SALES, "not now", NOW)
    assert await _planned(world, PLAYBOOK, GENEROUS) == NOBODY


async def test_leads_of_another_persona_are_told_of_where_points_depend_on_it(
    db: Database,
) -> None:
    world = World(db, OneBook(before := _demos(20)))
    await world.tell("demo_requested", traits={"occupation": "boss"})
    bosses = Persona("pro", "Pro", when(lambda f: f.lead.traits.get("occupation") == "boss"))
    found = await _planned(world, before, _demos(20, personas=(bosses,)))
    assert found == [Crossing("lead", 0, 0), Crossing("mql", 1, 0, handed_over=1)]


_LEAD = st.fixed_dictionaries(
    {
        "touches": st.lists(st.sampled_from(["page", "demo_requested"]), max_size=3),
        "occupation": st.sampled_from(["pro", "boss"]),
        "moved": st.sampled_from(["", "", "sql", "customer", "back"]),
    }
)


async def _comes(world: World, name: str, touches: list[str], occupation: str, moved: str) -> None:
    for touch in (None, *touches):
        await world.tell(touch, email=name, traits={"occupation": occupation})
    row = await world.lead(name)
    if moved in ("sql", "customer"):
        await world.stages.move(name, moved, SALES, "", NOW)
    elif moved and row.stage == "mql" and not row.sales_owned:
        await world.stages.move(name, "lead", SALES, "not now", NOW)


_BY_RULE = (
    ("warm", when(lambda f: f.score.total >= 40)),
    ("ripe", when(lambda f: f.lead.stage == "mql")),
    ("pros", when(lambda f: f.lead.persona == "pro")),
)
_LISTS = {name: Audience(name, name, "meta", name, rule) for name, rule in _BY_RULE}


async def _on_lists(world: World) -> set[tuple[str, str]]:
    rows = await world.rows(AudienceMemberRow)
    return {(row.audience, row.lead_id) for row in rows if row.desired}


async def _listed(world: World, playbook: Playbook) -> None:
    """What the lists' next looks begin with."""
    for audience in playbook.audiences.values():
        async with world.db.write() as session:
            ad_lists.begin(session, audience)
        await compare(world.outbox, playbook, audience, NOW)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=st.lists(_LEAD, min_size=1, max_size=5), points=st.permutations([10, 25, 45]))
async def test_what_a_plan_tells_of_stages_and_audiences_is_what_then_happens(
    fresh: Fresh, people: list[dict[str, Any]], points: list[int]
) -> None:
    before = _demos(points[0], audiences=_LISTS)
    after = _demos(points[1], audiences=_LISTS, personas=())
    async with fresh() as db:
        world = World(db, book := OneBook(before))
        for n, person in enumerate(people):
            await _comes(world, f"{n}@example.org", **person)
        moves, given = len(await world.rows(StageChangeRow)), len(await world.rows(HandoverRow))
        told = await _planned(world, before, after)
        listed, lists_told = await _on_lists(world), await effects(world.db, after, NOW)
        book.book = after
        await _listed(world, after)
        then = await _on_lists(world)
        await world.rescoring.page(NOW)
        assert await _on_lists(world) == then, "the lists wait for no score"
        done = (await world.rows(StageChangeRow))[moves:]
        assert told == [
            Crossing(
                stage,
                sum(row.to_stage == stage and not row.reason for row in done),
                sum(row.from_stage == stage and row.reason == "went cold" for row in done),
                (len(await world.rows(HandoverRow)) - given) if stage == "mql" else 0,
            )
            for stage in ("lead", "mql")
        ]
        assert lists_told == [
            Effect(
                name,
                sum(on == name for on, _ in listed),
                sum(on == name for on, _ in then - listed),
                sum(on == name for on, _ in listed - then),
            )
            for name in sorted(_LISTS)
        ]
