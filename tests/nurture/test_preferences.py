"""What a lead says about our mails: kept as consent, heard by the gate at once."""

from dataclasses import replace

import pytest

from nurture.domain import gate
from nurture.domain.consent import EMAIL_MARKETING, part
from nurture.playbook import Subscription
from nurture.store import leads
from nurture.store.database import Database
from nurture.store.tables import ConsentRow, LeadRow, TouchRow
from tests.support.domain import DAY, HOUR, NOW
from tests.support.playbook import PLAYBOOK
from tests.support.world import OneBook, World

KINDS = {name: Subscription(name, {"en": name}) for name in ("courses", "stories")}


@pytest.fixture
async def world(db: Database) -> World:
    world = World(db, OneBook(replace(PLAYBOOK, subscriptions=KINDS)))
    await world.tell("form_submitted", traits={"language": "da-DK"}, at=NOW - DAY)
    return world


async def _ask(world: World, subscription: str | None = None) -> gate.Verdict:
    async with world.db.read() as session:
        row = await leads.find(session, "anna@example.org")
        assert row is not None
        facts = await leads.facts(session, row, NOW)
    return gate.ask(gate.MailRules(subscription=subscription), facts, NOW, NOW)


async def _id(world: World) -> str:
    return (await world.lead("anna@example.org")).id


async def test_one_kind_is_declined_and_wanted_again(world: World) -> None:
    anna = await _id(world)
    await world.preferences.choose(anna, ["stories"], NOW)
    wanted = await world.preferences.look(anna, NOW)
    assert wanted
    assert (wanted.subscribed, wanted.subscriptions) == (True, frozenset({"stories"}))
    assert wanted.language == "da"
    assert await _ask(world, "courses") == gate.Refuse("subscription_declined")
    assert await _ask(world, "stories") == gate.Send()
    assert await _ask(world) == gate.Send()
    await world.preferences.choose(anna, ["stories", "courses"], NOW + HOUR)
    assert await _ask(world, "courses") == gate.Send()
    said = [
        (row.purpose, row.granted) for row in await world.rows(ConsentRow) if "/" in row.purpose
    ]
    assert said == [
        (part(EMAIL_MARKETING, "courses"), False),
        (part(EMAIL_MARKETING, "courses"), True),
    ]


async def test_the_same_choice_again_changes_nothing(world: World) -> None:
    anna = await _id(world)
    for _ in range(3):
        await world.preferences.choose(anna, [], NOW)
        await world.preferences.pause(anna, 30, NOW)
    names = [row.name for row in await world.rows(TouchRow)]
    assert (names.count("unsubscribed"), names.count("mails_paused")) == (2, 1)


async def test_a_break_holds_mails_until_it_ends(world: World) -> None:
    anna = await _id(world)
    await world.preferences.pause(anna, 20, NOW)
    assert await _ask(world) == gate.Hold("paused_by_lead", NOW + 20 * DAY)
    wanted = await world.preferences.look(anna, NOW)
    assert wanted
    assert wanted.paused_until == NOW + 20 * DAY
    await world.preferences.pause(anna, 0, NOW + HOUR)
    assert await _ask(world) == gate.Send()


async def test_who_never_left_has_nothing_to_come_back_to(world: World) -> None:
    """The reader of a mail that asks for a double opt-in."""
    new = await world.tell("page", email="new@example.org", consents=())
    await world.preferences.come_back(new.id, "Yes, again", NOW)
    wanted = await world.preferences.look(new.id, NOW)
    assert wanted
    assert (wanted.subscribed, wanted.left) == (False, False)


async def test_who_left_comes_back_with_the_wording_as_proof_but_a_complaint_stays(
    world: World,
) -> None:
    anna = await _id(world)
    await world.intake.withdraw(anna, EMAIL_MARKETING, "unsubscribe", NOW)
    assert await _ask(world) == gate.Refuse("unsubscribed")
    await world.preferences.come_back(anna, "Yes, again", NOW + HOUR)
    assert await _ask(world) == gate.Send()
    assert "Yes, again" in {row.wording for row in await world.rows(ConsentRow)}
    async with world.db.write() as session:
        row = await session.get(LeadRow, anna)
        assert row is not None
        row.suppressed = "complaint"
    assert await _ask(world) == gate.Refuse("complaint")


async def test_nobody_is_subscribed_by_coming_back_who_never_was(world: World) -> None:
    bo = await world.tell("form_submitted", email="bo@example.org", consents=())
    await world.preferences.come_back(bo.id, "Yes, again", NOW)
    assert (await world.lead("bo@example.org")).consents == []


async def test_a_link_in_an_old_mail_works_for_the_lead_it_was_joined_into(world: World) -> None:
    anna = await _id(world)
    async with world.db.write() as session:
        session.add(LeadRow(id="old", stage="lead", created_at=NOW, merged_into=anna))
    await world.intake.withdraw("old", EMAIL_MARKETING, "unsubscribe", NOW)
    assert await _ask(world) == gate.Refuse("unsubscribed")
    await world.preferences.choose("old", [], NOW)
    wanted = await world.preferences.look("old", NOW)
    assert wanted
    assert wanted.subscriptions == frozenset()


async def test_an_erased_lead_has_nothing_to_choose(world: World) -> None:
    anna = await _id(world)
    await world.privacy.erase(anna, "test", NOW)
    assert await world.preferences.look(anna, NOW) is None
    await world.preferences.choose(anna, [], NOW)
    await world.preferences.pause(anna, 30, NOW)
    await world.preferences.come_back(anna, "Yes", NOW)
    lead = (await world.rows(LeadRow))[0]
    assert (lead.consents, lead.declined, lead.paused_until) == ([], [], None)
