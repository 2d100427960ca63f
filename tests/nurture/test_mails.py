"""Settling mails of which nobody knows whether they went out."""

from datetime import datetime

import pytest

from nurture.domain.errors import InputError
from nurture.domain.feedback import Event, Kind
from nurture.store import messages
from nurture.store.access_tables import AuditRow
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, LeadRow, MessageRow
from tests.support.domain import DAY, HOUR, NOW
from tests.support.mails import mail, sent
from tests.support.world import World


@pytest.fixture
async def world(db: Database) -> World:
    world = World(db)
    await sent(world, "lost", state="unknown", reason="connection_lost")
    await sent(world, "known", at=NOW + DAY)
    return world


async def test_mails_are_listed_with_their_states_the_latest_first(world: World) -> None:
    assert [row["id"] for row in await world.mails.list()] == ["known", "lost"]
    assert [row["id"] for row in await world.mails.list(state="unknown")] == ["lost"]
    assert await world.mails.list(flow="another") == []
    assert len(await world.mails.list(lead="anna@example.org", limit=1)) == 1
    assert await world.mails.counts() == {"accepted": 1, "unknown": 1}


@pytest.mark.parametrize("given", [{"state": "lost"}, {"lead": "nobody@example.org"}])
async def test_what_there_is_not_is_said(world: World, given: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"there is no such state|no lead goes"):
        await world.mails.list(**given)


async def test_a_mail_that_went_out_after_all_counts_as_sent(world: World) -> None:
    await world.mails.settle(["lost"], True, "Bo", NOW)
    row = await mail(world, "lost")
    assert (row.state, row.reason, row.sent_at) == ("accepted", "sent, says Bo", NOW)


@pytest.mark.parametrize(("attempt", "state"), [(1, "claimed"), (2, "planned")])
async def test_an_attempt_that_was_not_taken_leaves_the_mail_to_a_later_one(
    world: World, attempt: int, state: str
) -> None:
    await sent(world, "under-way", state="claimed", attempts=2, at=NOW + 2 * DAY)
    async with world.db.write() as session:
        await messages.put_back(session, "under-way", attempt, "not now", "second")
    assert (await mail(world, "under-way")).state == state


async def test_one_that_did_not_is_to_be_sent_once_more(world: World) -> None:
    world.alarm.woken.clear()
    await world.mails.settle(["lost"], False, "Bo", NOW)
    row = await mail(world, "lost")
    [run] = await world.rows(EnrolmentRow)
    assert (row.state, row.sent_at, run.again) == ("planned", None, ["lost"])
    await world.outbox.relay(NOW)
    assert world.alarm.woken == [("enrolment", run.id)]


async def test_a_lead_whose_mails_came_back_gets_mail_again_when_a_person_says_so(
    world: World,
) -> None:
    for name, kind in (("known", Kind.SOFT_BOUNCE), ("lost", Kind.HARD_BOUNCE)):
        await world.feedback.take("mailbox", [Event(name, kind, NOW, (name,))], NOW)
    assert await world.mails.forget_bounces(["Anna@example.org"], "Bo", NOW) == 1
    lead = await world.lead("anna@example.org")
    [entry] = await world.rows(AuditRow)
    assert (lead.suppressed, lead.soft_bounces) == (None, 0)
    assert (entry.who, entry.action, entry.subject) == ("Bo", "forget_bounces", lead.id)
    assert (await mail(world, "lost")).state == "bounced"
    another = Event("again", Kind.HARD_BOUNCE, NOW + DAY, ("known",))
    await world.feedback.take("mailbox", [another], NOW + DAY)
    assert (await world.lead("anna@example.org")).suppressed == "hard_bounce"


async def _another(world: World, id: str, lead: LeadRow, at: datetime) -> None:
    """One more mail of the run that the first was of."""
    row = (await mail(world, "old0")).model_dump()
    new = {"id": id, "step": id, "lead_id": lead.id, "state": "accepted", "bounce": None}
    times = {"claimed_at": at, "sent_at": at, "provider_id": f"<{id}@courses.example>"}
    async with world.db.write() as session:
        session.add(MessageRow(**{**row, **new, **times}))


@pytest.mark.parametrize("way", ["a person", "another address", "a join"])
async def test_what_came_back_before_is_not_counted_again(world: World, way: str) -> None:
    for number in range(4):
        await sent(world, f"old{number}", at=NOW + number * HOUR)
        came_back = Event(f"e{number}", Kind.SOFT_BOUNCE, NOW, (f"old{number}",))
        await world.feedback.take("mailbox", [came_back], NOW)
    email = "anna@example.org"
    if way == "a person":
        await world.mails.forget_bounces([email], "Bo", NOW + DAY)
    elif way == "a join":
        await world.tell("page", user_id="anna", email=email, at=NOW + DAY)
        email = "anna@new.example"
        for at in (NOW - DAY, NOW + DAY + HOUR):
            await world.tell("page", user_id="new", email=email, at=at)
        ids = {"user_id": "new", "email": email, "previous_id": "anna"}
        await world.tell(None, at=NOW + DAY + 2 * HOUR, **ids)
    else:
        await world.tell("page", user_id="anna", email=email, at=NOW + DAY, trusted=True)
        email = "anna@new.example"
        await world.tell("page", user_id="anna", email=email, at=NOW + DAY + HOUR, trusted=True)
    await _another(world, "new", await world.lead(email), NOW + 2 * DAY)
    told = [Event("new", Kind.SOFT_BOUNCE, NOW + 2 * DAY, ("new",))]
    await world.feedback.take("mailbox", told, NOW + 2 * DAY)
    assert (await world.lead(email)).soft_bounces == 1


@pytest.mark.parametrize(
    ("kind", "name", "problem"),
    [
        (
            Kind.COMPLAINED,
            "anna@example.org",
            "gets no mail for another reason, which stays: complaint",
        ),
        (Kind.UNSUBSCRIBED, "anna@example.org", "has no bounce that keeps mails from it"),
        (Kind.DELIVERED, "nobody@example.org", "no lead goes by this name"),
    ],
)
async def test_no_other_reason_to_send_no_mail_is_forgotten_and_then_no_bounce_is(
    world: World, kind: Kind, name: str, problem: str
) -> None:
    await sent(world, "other", email="bo@example.org")
    told = [Event("b", Kind.HARD_BOUNCE, NOW, ("other",)), Event("a", kind, NOW, ("known",))]
    await world.feedback.take("mailbox", told, NOW)
    with pytest.raises(InputError, match=problem):
        await world.mails.forget_bounces(["bo@example.org", name], "Bo", NOW)
    assert (await world.lead("bo@example.org")).suppressed == "hard_bounce"
    assert await world.rows(AuditRow) == []


async def test_whoever_is_mistaken_about_one_settles_none(world: World) -> None:
    for wrong in ("known", "nothing"):
        with pytest.raises(InputError, match="only unknown ones"):
            await world.mails.settle(["lost", wrong], True, "Bo", NOW)
    assert (await mail(world, "lost")).state == "unknown"
