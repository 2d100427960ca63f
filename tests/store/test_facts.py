"""What a decision gets to see of a run and of what the lead did."""

from collections import Counter

from sqlalchemy import insert

from nurture.domain.lead import Facts, Touch
from nurture.incoming import Incoming
from nurture.playbook.conditions import Conditions
from nurture.playbook.durations import Durations
from nurture.simulation.member import Member
from nurture.store import enrolments, leads
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, TouchRow
from tests.support.domain import DAY, HOUR, NOW
from tests.support.world import World

TOUCHES = Conditions({}, [], [], ["demo_requested", "clicked", "page"], Durations())


async def test_a_touch_keeps_when_it_happened_and_when_we_heard_of_it(db: Database) -> None:
    world = World(db)
    visit = Incoming("m1", NOW - HOUR, email="anna@example.org", touch="page")
    await world.intake.take("site", [visit], NOW)
    row = await world.lead("anna@example.org")
    async with db.read() as session:
        [touch] = (await leads.facts(session, row, NOW)).touches
    assert (touch.at, touch.known_at) == (NOW - HOUR, NOW)


async def test_a_run_remembers_when_the_lead_entered_however_far_it_came(db: Database) -> None:
    world = World(db)
    await world.tell("form_submitted")
    async with db.write() as session:
        [run] = await enrolments.of_lead(session, (await world.lead("anna@example.org")).id)
        enrolments.move(run, enrolments.cursor(run).to("wait", NOW + HOUR), None, ())
    [kept] = await world.rows(EnrolmentRow)
    cursor = enrolments.cursor(kept)
    assert (cursor.step, cursor.since, cursor.entered) == ("wait", NOW + HOUR, NOW)


async def test_a_condition_sees_what_a_lead_did_however_much_else_it_did_since(
    db: Database,
) -> None:
    world = World(db)
    await world.tell("demo_requested", at=NOW - DAY)
    await _does(world, "page", 600)
    facts = await _facts(world)
    assert TOUCHES.compile('touches.count("demo_requested") == 1')(facts, NOW)
    assert TOUCHES.compile('touches.since("demo_requested") == 1')(facts, NOW)
    assert TOUCHES.compile('touches.count("page") == 500')(facts, NOW)


async def test_a_condition_sees_what_a_lead_did_however_much_machines_did_since(
    db: Database,
) -> None:
    world = World(db)
    await world.tell("clicked", at=NOW - DAY)
    await _does(world, "clicked", 600, machine="scanner")
    assert TOUCHES.compile('touches.count("clicked") == 1')(await _facts(world), NOW)


async def test_a_simulation_sees_what_a_decision_sees_of_a_lead_that_did_much(
    db: Database,
) -> None:
    world = World(db)
    for number, did in enumerate(("demo_requested", "clicked")):
        await world.tell(did, at=NOW - DAY + number * HOUR)
    await _does(world, "page", 600)
    await _does(world, "clicked", 600, machine="scanner")
    real = await _facts(world)
    rows = sorted(await world.rows(TouchRow), key=lambda row: row.at, reverse=True)
    touches = [Touch(row.id, row.name, row.at, machine=row.machine) for row in rows]
    simulated = Member(real.lead, frozenset(), touches=touches).facts(NOW)
    assert _kinds(simulated) == _kinds(real)
    assert [touch.at for touch in simulated.touches] == [touch.at for touch in real.touches]


def _kinds(facts: Facts) -> Counter[tuple[str, str | None]]:
    return Counter((touch.name, touch.machine) for touch in facts.touches)


async def _does(world: World, touch: str, often: int, machine: str | None = None) -> None:
    lead = await world.lead("anna@example.org")
    row = TouchRow(id="", lead_id=lead.id, source="site", name=touch, at=NOW, received_at=NOW)
    same = {**row.model_dump(), "machine": machine}
    async with world.db.write() as session:
        await session.execute(
            insert(TouchRow), [{**same, "id": f"{touch}-{n}"} for n in range(often)]
        )


async def _facts(world: World) -> Facts:
    lead = await world.lead("anna@example.org")
    async with world.db.read() as session:
        return await leads.facts(session, lead, NOW)
