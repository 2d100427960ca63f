"""A house in which something goes on, so that no page of the dashboard is empty."""

from datetime import timedelta

from nurture.domain import keys
from nurture.domain.effects import SendMail
from nurture.domain.errors import InputError
from nurture.domain.sla import State
from nurture.domain.steps import Email
from nurture.incoming import Answer
from nurture.store import enrolments, messages
from nurture.store.audience_tables import AudienceMemberRow, AudienceRow
from tests.support.domain import NOW
from tests.support.house import House

PEOPLE = ("anna", "bo", "carla", "dan", "eva", "finn", "gitte", "hans")
OWNER = "Mette Holm"


async def fill(house: House) -> None:
    """Eight leads; six are given to sales, of whom some are late, spoken to, won and lost."""
    world = house.world
    for name in PEOPLE:
        await world.tell(
            "page",
            message_id=f"came-{name}",
            email=f"{name}@firm.example",
            at=NOW - timedelta(days=9),
            traits={"first_name": name.title(), "phone": "+4520123456", "occupation": "Student"},
        )
    ids = [
        await world.desk.open(
            f"{name}@firm.example", "asked for a call", "tests", NOW - timedelta(days=days)
        )
        for days, name in enumerate(PEOPLE[:6])
    ]
    await world.desk.answer(ids[1], Answer(State.CONTACTED, NOW, "Bo", how="call"))
    await world.desk.answer(ids[2], Answer(State.WON, NOW, "Bo", amount=40_000))
    await _say(house, ids[3], State.SNOOZED)
    for name in PEOPLE[6:]:
        await _mail(house, f"{name}@firm.example")
    await world.intake.refuse("website", [("{}", "email: is not an e-mail address")], NOW)
    lead = await world.lead("anna@firm.example")
    async with world.db.write() as session:
        session.add(
            AudienceRow(name="hesitating-leads", platform="meta", external_id="1", synced_at=NOW)
        )
        session.add(
            AudienceMemberRow(
                audience="hesitating-leads", lead_id=lead.id, desired=False, confirmed=True, named=True,
                changed_at=NOW, next_try_at=NOW,
            )
        )  # fmt: skip


async def _say(house: House, handover: str, state: State) -> None:
    until = NOW + timedelta(days=2)
    answer = Answer(state, NOW, "Bo", reason="asked to wait", until=until)
    try:
        await house.world.desk.answer(handover, answer)
    except InputError as error:
        raise AssertionError(error) from error


async def _mail(house: House, email: str) -> None:
    """The lead got the first mail of its flow, and stands behind it."""
    lead = await house.world.lead(email)
    async with house.world.db.write() as session:
        playbook = await house.world.shelf.current(session)
        [run] = await enrolments.of_lead(session, lead.id)
        step = playbook.flows[run.flow].steps[run.step or ""]
        assert isinstance(step, Email)
        assert run.step
        messages.claim(session, playbook, run, SendMail(run.step, step.template), "smtp", NOW, None)
        await session.flush()
        mail = keys.message_id(run.id, run.step)
        await messages.record(session, mail, messages.ACCEPTED, "", "p1", NOW)
        enrolments.move(run, enrolments.cursor(run).to(step.next, NOW), None, ())
