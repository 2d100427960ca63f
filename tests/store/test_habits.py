"""What people did, counted; and a forecast that begins with it."""

from datetime import timedelta

from nurture.domain.habits import Answers, Habits, Reactions
from nurture.domain.sla import State
from nurture.incoming import Answer
from nurture.simulation.behaviour import Customs, read_assumptions
from nurture.store import habits
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import EnrolmentRow, MessageRow
from tests.support.domain import DAY, HOUR, NOW
from tests.support.world import World


async def mailed(world: World, number: int) -> list[str]:
    """Leads that got the mail of the step hello; the mails' ids."""
    found = []
    for n in range(number):
        lead = await world.tell("page", email=f"l{n}@example.org")
        runs = [run for run in await world.rows(EnrolmentRow) if run.lead_id == lead.id]
        mail = MessageRow(
            id=f"m{n}",
            enrolment_id=runs[0].id,
            step="hello",
            lead_id=lead.id,
            flow="welcome",
            template="hello",
            sender="courses",
            state="accepted",
            claimed_at=NOW,
            sent_at=NOW,
        )
        async with world.db.write() as session:
            session.add(mail)
        found.append(f"m{n}")
    return found


async def test_opens_and_clicks_of_people_are_counted_once_for_each_mail(db: Database) -> None:
    world = World(db)
    first, second, third = await mailed(world, 3)
    for hours, mail, name, machine in (
        (1, first, "opened", None),
        (2, first, "opened", None),
        (3, first, "clicked", None),
        (4, second, "opened", None),
        (5, third, "opened", "image proxy"),
    ):
        await world.intake.hit(mail, name, {"url": "x"}, machine, NOW + hours * HOUR)
    await world.clicks.page(NOW + DAY)
    lead = await world.lead("l0@example.org")
    await world.intake.withdraw(lead.id, "email_marketing", "unsubscribe", NOW + HOUR)
    async with db.read() as session:
        seen = await habits.of(session, NOW + DAY)
    assert seen.steps == {("welcome", "hello"): Reactions(3, opened=2, clicked=1)}
    assert seen.mails == Reactions(3, opened=2, clicked=1, replied=0, unsubscribed=1)


async def test_what_is_half_a_year_old_is_not_counted(db: Database) -> None:
    world = World(db)
    await mailed(world, 1)
    async with db.read() as session:
        seen = await habits.of(session, NOW + habits.PERIOD + DAY)
    assert seen == Habits(mails=Reactions(0, 0, 0, 0, 0))


async def test_answers_of_sales_are_counted_with_their_times(db: Database) -> None:
    world = World(db)
    for n, state in enumerate((State.WON, State.LOST, State.REJECTED)):
        await world.tell("demo_requested", f"l{n}@example.org", traits={"occupation": "pro"})
        lead = await world.lead(f"l{n}@example.org")
        [row] = [row for row in await world.rows(HandoverRow) if row.lead_id == lead.id]
        if state is not State.REJECTED:
            await world.desk.answer(row.id, Answer(State.CONTACTED, NOW + 10 * HOUR, how="call"))
        said = Answer(state, NOW + 34 * HOUR, reason="no budget", amount=1)
        await world.desk.answer(row.id, said)
    async with db.read() as session:
        seen = await habits.of(session, NOW + 2 * DAY)
    assert seen.sales == Answers(3, accepted=2, won=1, contacted_after=10 * HOUR, decided_after=DAY)


SEEN = Habits(
    mails=Reactions(1000, 500, 100, 20, 10),
    steps={
        ("welcome", "hello"): Reactions(200, 150, 60),
        ("welcome", "guide"): Reactions(5, 5, 5),
    },
    sales=Answers(50, 30, 6, timedelta(hours=5), timedelta(days=8)),
)


def test_a_forecast_begins_with_the_shares_of_each_step_and_of_all_mails_where_those_are_few() -> (
    None
):
    customs = Customs(habits=SEEN)
    assert customs.rates("welcome", "hello") == {
        "open": 0.75,
        "click": 0.3,
        "reply": 0.02,
        "unsubscribe": 0.01,
    }
    assert customs.rates("welcome", "guide")["click"] == 0.1
    assert customs.sales["accept"] == 0.6
    assert customs.sales["win"] == 0.2
    assert customs.sales["contact_after"] == timedelta(hours=5)


def test_what_is_assumed_goes_before_what_was_seen() -> None:
    said = read_assumptions("b.yaml", "mails: {click: 50%}\nsales: {win: 90%}\n")
    customs = Customs(said, SEEN)
    assert customs.rates("welcome", "hello")["click"] == 0.5
    assert customs.rates("welcome", "hello")["open"] == 0.75
    assert customs.sales["win"] == 0.9


def test_few_mails_and_few_handovers_say_nothing() -> None:
    few = Habits(Reactions(99, 99, 99, 99, 99), {}, Answers(19, 19, 19))
    assert Customs(habits=few).rates("welcome", "hello")["open"] == 0.4
    assert Customs(habits=few).sales["accept"] == 0.7
