"""What a decision gets to see of a run and of what the lead did."""

from nurture.incoming import Incoming
from nurture.store import enrolments, leads
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow
from tests.support.domain import HOUR, NOW
from tests.support.world import World


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
