"""A consent that somebody gave in a form counts once the mailbox has confirmed it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from nurture.domain.consent import (
    AD_AUDIENCES,
    CLOCKS_DIFFER,
    EMAIL_MARKETING,
    REQUEST_LASTS,
    TRACKING,
    ConsentRecord,
)
from nurture.domain.feedback import Event, Kind
from nurture.enrolling import Enrolling
from nurture.incoming import Incoming
from nurture.intake.taking import CONFIRMED, REQUESTED
from nurture.playbook import Retention
from nurture.store.database import Database
from nurture.store.handover_tables import SaleRow
from nurture.store.tables import (
    ConsentRequestRow,
    ConsentRow,
    EnrolmentRow,
    IdentityRow,
    LeadRow,
    MessageRow,
    TouchRow,
)
from nurture.upkeep.retention import PAGE
from tests.support.domain import DAY, NOW
from tests.support.playbook import ASKING
from tests.support.world import BROWSER, OneBook, World

WORDING = "Yes, write to me."
ANNA = "anna@example.org"


def request(at: datetime, purpose: str) -> ConsentRecord:
    return ConsentRecord(purpose, True, at, "form/guide", f"{purpose}: {WORDING}")


@pytest.fixture
def world(db: Database) -> World:
    return World(db, OneBook(ASKING))


async def _ask(
    world: World, at: datetime = NOW, mail: str = "m1", purpose: str = EMAIL_MARKETING
) -> str:
    """The form was sent, and the mail that asks, unless that one had gone out before; the lead's id."""
    fields = {"at": at, "consents": (), "requests": (request(at, purpose),)}
    lead = await world.tell("form_submitted", source="form/guide", **fields)
    async with world.db.write() as session:
        if await session.get(MessageRow, mail) is None:
            [run, *_] = await session.scalars(
                select(EnrolmentRow).where(col(EnrolmentRow.flow) == "confirm")
            )
            session.add(
                MessageRow(
                    id=mail,
                    enrolment_id=run.id,
                    step=mail,
                    lead_id=lead.id,
                    flow="confirm",
                    template="confirm",
                    sender="courses",
                    state="accepted",
                    claimed_at=at,
                )
            )
    return lead.id


async def test_a_request_grants_nothing_but_a_mail_that_asks(world: World) -> None:
    await _ask(world)
    row = await world.lead(ANNA)
    flows = {run.flow for run in await world.rows(EnrolmentRow)}
    touches = {touch.name for touch in await world.rows(TouchRow)}
    assert (row.consents, "confirm" in flows) == ([], True)
    assert touches == {"form_submitted", REQUESTED}
    assert await world.rows(ConsentRow) == []


@pytest.mark.parametrize(("left", "asks"), [(timedelta(seconds=1), True), (0 * DAY, False)])
async def test_nobody_is_asked_to_confirm_what_may_not_be_confirmed_any_more(
    world: World, left: timedelta, asks: bool
) -> None:
    """A form that somebody takes out of quarantine much later."""
    at = NOW - REQUEST_LASTS + left
    fields = {"email": ANNA, "touch": "form_submitted", "trusted": True}
    old = Incoming("old", at, requests=(request(at, EMAIL_MARKETING),), **fields)
    await world.intake.take("form/guide", [old], NOW)
    assert ("confirm" in {run.flow for run in await world.rows(EnrolmentRow)}) == asks


async def test_a_confirmation_grants_with_wording_time_and_proof(world: World) -> None:
    lead = await _ask(world)
    assert await world.intake.confirm(lead, "m1", NOW + DAY) == [EMAIL_MARKETING]
    [record] = await world.rows(ConsentRow)
    assert (await world.lead(ANNA)).consents == [EMAIL_MARKETING]
    assert (record.source, record.wording, record.at) == (
        "form/guide",
        f"{EMAIL_MARKETING}: {WORDING}",
        NOW + DAY,
    )
    assert record.proof == f"asked {NOW.isoformat()}, confirmed by mail m1"
    assert CONFIRMED in {touch.name for touch in await world.rows(TouchRow)}


async def test_a_mail_confirms_only_what_was_asked_for_before_it_and_the_next_one_the_rest(
    world: World,
) -> None:
    """Anybody may type her address into another form, whose mail has yet to go."""
    lead = await _ask(world)
    later = NOW + timedelta(hours=3)
    await _ask(world, later, purpose=AD_AUDIENCES)
    [asked] = await world.preferences.asked(lead, "m1", later)
    assert asked.wording == f"{EMAIL_MARKETING}: {WORDING}"
    assert await world.intake.confirm(lead, "m1", later) == [EMAIL_MARKETING]
    assert await world.preferences.asked(lead, "m1", later) == []
    await _ask(world, NOW + 2 * DAY, mail="m2", purpose=AD_AUDIENCES)
    assert await world.intake.confirm(lead, "m2", NOW + 3 * DAY) == [AD_AUDIENCES]


async def test_a_link_also_confirms_where_the_servers_clock_is_a_little_ahead_of_the_workers(
    world: World,
) -> None:
    """The server tells when a form was sent, the worker when its mail went: often within the same second."""
    lead = await _ask(world)
    await _ask(world, NOW + CLOCKS_DIFFER, purpose=AD_AUDIENCES)
    both = [AD_AUDIENCES, EMAIL_MARKETING]
    assert [each.purpose for each in await world.preferences.asked(lead, "m1", NOW + DAY)] == both
    assert await world.intake.confirm(lead, "m1", NOW + DAY) == both
    assert await world.preferences.asked(lead, "m1", NOW + DAY) == []
    assert None not in {row.confirmed_at for row in await world.rows(ConsentRequestRow)}


async def test_a_link_of_a_mail_that_we_never_sent_confirms_nothing(world: World) -> None:
    lead = await _ask(world)
    assert await world.intake.confirm(lead, "m7", NOW) == []
    assert await world.preferences.asked(lead, "m7", NOW) == []


async def test_a_second_press_of_the_button_changes_nothing(world: World) -> None:
    lead = await _ask(world)
    await world.intake.confirm(lead, "m1", NOW + DAY)
    assert await world.intake.confirm(lead, "m1", NOW + 2 * DAY) == []
    assert len(await world.rows(ConsentRow)) == 1


async def test_who_unsubscribes_instead_of_confirming_cannot_be_confirmed_any_more(
    world: World,
) -> None:
    lead = await _ask(world)
    await world.intake.withdraw(lead, EMAIL_MARKETING, "unsubscribe", NOW + timedelta(hours=1))
    assert await world.intake.confirm(lead, "m1", NOW + DAY) == []
    assert (await world.lead(ANNA)).consents == []


async def test_who_unsubscribed_and_does_so_again_when_asked_cannot_be_confirmed_either(
    world: World,
) -> None:
    lead = (await world.tell("form_submitted", consents=(EMAIL_MARKETING,))).id
    await world.intake.withdraw(lead, EMAIL_MARKETING, "unsubscribe", NOW + DAY)
    await _ask(world, NOW + 2 * DAY)
    await world.intake.withdraw(lead, EMAIL_MARKETING, "unsubscribe", NOW + 3 * DAY)
    assert await world.intake.confirm(lead, "m1", NOW + 4 * DAY) == []
    touches = [touch.name for touch in await world.rows(TouchRow)]
    assert touches.count("unsubscribed") == 1


async def test_a_request_that_nobody_confirmed_lapses(world: World) -> None:
    lead = await _ask(world)
    assert await world.intake.confirm(lead, "m1", NOW + REQUEST_LASTS) == []


async def test_who_takes_a_confirmed_consent_back_is_asked_again(world: World) -> None:
    lead = await _ask(world)
    await world.intake.confirm(lead, "m1", NOW + DAY)
    await _ask(world, NOW + 2 * DAY)
    assert len(await world.rows(ConsentRequestRow)) == 1, "it is given already"
    await world.intake.withdraw(lead, EMAIL_MARKETING, "unsubscribe", NOW + 3 * DAY)
    await _ask(world, NOW + 4 * DAY, mail="m2")
    assert (await world.lead(ANNA)).consents == []
    assert await world.intake.confirm(lead, "m2", NOW + 5 * DAY) == [EMAIL_MARKETING]


async def test_a_form_sent_a_hundred_times_asks_once_a_day(world: World) -> None:
    for minute in range(100):
        await _ask(world, NOW + timedelta(minutes=minute))
    runs = [run for run in await world.rows(EnrolmentRow) if run.flow == "confirm"]
    assert len(runs) == 1


@pytest.mark.parametrize("over", [True, False], ids=["mailed", "on its way"])
@pytest.mark.parametrize(
    "more",
    [{"purpose": AD_AUDIENCES}, {"wording": "Another."}, {"source": "form/other"}],
    ids=["another purpose", "other words", "another form"],
)
async def test_who_asks_for_more_on_the_same_day_gets_a_mail_for_it_and_only_one(
    world: World, more: dict[str, str], over: bool
) -> None:
    lead = await _ask(world)
    if over:
        await _leave(world)
        await world.intake.confirm(lead, "m1", NOW + timedelta(minutes=1))
        await world.intake.withdraw(lead, EMAIL_MARKETING, "page", NOW + timedelta(minutes=2))
    for minute in (30, 40):
        at = NOW + timedelta(minutes=minute)
        asked = (replace(request(at, EMAIL_MARKETING), **more),)
        await world.tell("form_submitted", at=at, requests=asked, consents=())
    runs = [run for run in await world.rows(EnrolmentRow) if run.flow == "confirm"]
    assert sorted(run.ordinal for run in runs) == [1, 2]
    [first, second] = sorted(runs, key=lambda run: run.ordinal)
    assert (first.ended, second.ended) == ("finished" if over else "superseded", None)


async def test_who_refused_what_it_was_asked_and_fills_in_the_form_again_gets_another_mail(
    world: World,
) -> None:
    lead = await _ask(world)
    await _leave(world)
    await world.intake.withdraw(lead, EMAIL_MARKETING, "unsubscribe", NOW + timedelta(hours=1))
    await _ask(world, NOW + timedelta(hours=2))
    assert [run.flow for run in await world.rows(EnrolmentRow)].count("confirm") == 2


async def test_a_flow_that_only_begins_with_such_a_form_is_not_begun_again(db: Database) -> None:
    """It is advertising, of which `again` says how often."""
    confirm = replace(ASKING.flows["confirm"], mail=ASKING.flows["welcome"].mail)
    world = World(db, OneBook(replace(ASKING, flows={**ASKING.flows, "confirm": confirm})))
    await _ask(world)
    await _leave(world)
    await _ask(world, NOW + timedelta(hours=1), purpose=AD_AUDIENCES)
    assert [run.flow for run in await world.rows(EnrolmentRow)].count("confirm") == 1


async def _leave(world: World) -> None:
    """Every run is over."""
    async with world.db.write() as session:
        await session.execute(update(EnrolmentRow).values(ended="finished", ended_at=NOW))


async def test_the_links_of_a_mail_work_for_the_lead_that_its_lead_was_joined_into(
    world: World,
) -> None:
    """The elder stays, so the younger one's mails carry an id that is nobody's any more."""
    bo = await world.tell(None, email="bo@example.org", at=NOW - DAY, consents=())
    anna = await _ask(world)
    await world.tell(None, user_id="u1", consents=())
    joined = await world.tell(None, email="bo@example.org", user_id="u1", consents=())
    assert joined.id == bo.id != anna
    assert await world.intake.confirm(anna, "m1", NOW + DAY) == [EMAIL_MARKETING]
    await world.intake.withdraw(anna, EMAIL_MARKETING, "unsubscribe", NOW + 2 * DAY)
    assert (await world.lead("bo@example.org")).consents == []


async def test_what_was_asked_and_proved_is_part_of_an_export(world: World) -> None:
    lead = await _ask(world)
    await world.intake.confirm(lead, "m1", NOW + DAY)
    found = await world.privacy.export(ANNA)
    assert found["consent_request"][0]["wording"] == f"{EMAIL_MARKETING}: {WORDING}"
    assert "confirmed by mail m1" in found["consent"][0]["proof"]


@pytest.fixture
def forgetful(db: Database) -> World:
    return World(db, OneBook(replace(ASKING, retention=Retention(unconfirmed=REQUEST_LASTS))))


async def _forgotten(world: World, at: datetime) -> bool:
    """Whether that is so of everybody in the database by then."""
    while await world.retention.page(at):
        pass
    return all(row.erased_at for row in await world.rows(LeadRow))


async def test_who_never_confirmed_is_forgotten_once_nothing_can_be_confirmed_any_more(
    forgetful: World,
) -> None:
    await _ask(forgetful)
    seen = {"email": ANNA, "anonymous_id": "b1", "trusted": False, "consents": ()}
    await forgetful.tell("page", source=BROWSER, **seen)
    yes = (ConsentRecord(TRACKING, True, NOW, "track/site"),)
    await forgetful.intake.take(BROWSER, [Incoming("y", NOW, "b1", consents=yes)], NOW)
    assert len(await forgetful.rows(ConsentRow)) == 1
    await forgetful.intake.hit("m1", "opened", {}, None, NOW + DAY)
    assert not await _forgotten(forgetful, NOW + REQUEST_LASTS - timedelta(seconds=1))
    assert await _forgotten(forgetful, NOW + REQUEST_LASTS + DAY)
    assert await forgetful.rows(IdentityRow) == []
    assert await forgetful.rows(ConsentRequestRow) == []
    assert {run.ended for run in await forgetful.rows(EnrolmentRow)} == {"erased"}


async def test_who_is_asked_again_has_as_long_from_then_on(forgetful: World) -> None:
    await _ask(forgetful)
    await _ask(forgetful, NOW + 10 * DAY)
    assert not await _forgotten(forgetful, NOW + REQUEST_LASTS + DAY)
    assert await _forgotten(forgetful, NOW + REQUEST_LASTS + 11 * DAY)


@pytest.mark.parametrize(
    "known",
    [
        {"consents": (EMAIL_MARKETING,)},
        {"touch": "demo_requested", "source": "form/demo"},
        {"source": "shop"},
        {"source": "import"},
        {"source": "api", "touch": "clicked"},
        {"source": "mail", "touch": "ordered_sample"},
        {"source": "feedback"},
        {"source": "crm", "touch": REQUESTED},
        {"source": BROWSER, "user_id": "u1", "trusted": False},
    ],
    ids=[
        "a consent",
        "another form",
        "a server",
        "a list",
        "the API",
        "a server whose key was called mail",
        "a server whose key was called feedback",
        "a server that tells of requests",
        "a user id",
    ],
)
async def test_who_is_known_otherwise_is_kept_though_a_request_was_never_confirmed(
    forgetful: World, known: dict[str, Any]
) -> None:
    await _ask(forgetful)
    told: dict[str, Any] = {"touch": None, "consents": (), **known}
    await forgetful.tell(**told)
    assert not await _forgotten(forgetful, NOW + 90 * DAY)
    assert (await forgetful.lead(ANNA)).email == ANNA
    assert await forgetful.rows(ConsentRequestRow) == []


@pytest.mark.parametrize("deed", ["confirms", "refuses", "complains"])
async def test_what_the_person_said_of_our_mails_is_kept(forgetful: World, deed: str) -> None:
    lead = await _ask(forgetful)
    await _ask(forgetful, purpose=AD_AUDIENCES)
    if deed == "confirms":
        await forgetful.intake.confirm(lead, "m1", NOW + DAY)
    elif deed == "refuses":
        await forgetful.intake.withdraw(lead, EMAIL_MARKETING, "unsubscribe", NOW + DAY)
    else:
        complaint = Event("e1", Kind.COMPLAINED, NOW + DAY, ("m1",))
        await forgetful.feedback.take("postmark", [complaint], NOW + DAY)
    assert not await _forgotten(forgetful, NOW + 90 * DAY)


async def _moved(world: World) -> None:
    await world.stages.move(ANNA, "customer", "sales", "bought at the fair", NOW)


async def _given_to_sales(world: World) -> None:
    await world.desk.open(ANNA, "called us", "operator", NOW)


async def _brought_into_a_flow(world: World) -> None:
    run = await Enrolling(world.db, world.shelf).by_hand(ANNA, "win-back", "Bo", NOW)
    await Enrolling(world.db, world.shelf).take_out((await world.lead(ANNA)).id, run, NOW)


@pytest.mark.parametrize("deed", [_moved, _given_to_sales, _brought_into_a_flow])
async def test_a_lead_that_a_colleague_did_something_for_is_kept(
    forgetful: World, deed: Callable[[World], Awaitable[None]]
) -> None:
    await _ask(forgetful)
    await deed(forgetful)
    assert not await _forgotten(forgetful, NOW + 90 * DAY)


async def _told(world: World, touch: str) -> None:
    about = {"product": "saw", "case": "1", "order_id": "1", "total": 5, "currency": "EUR"}
    await world.tell(touch, source="shop", consents=(), properties=about)


async def _had_a_case(world: World) -> None:
    await _told(world, "support_case_opened")
    await _told(world, "support_case_closed")


async def _talked_to_sales(world: World) -> None:
    await _told(world, "sales_conversation")


async def _bought(world: World) -> None:
    """Under a playbook in which an order moves nobody."""
    lead = await world.lead(ANNA)
    async with world.db.write() as session:
        session.add(SaleRow(id="s1", lead_id=lead.id, amount=5, currency="EUR", at=NOW))


async def _wants_a_break(world: World) -> None:
    await world.preferences.pause((await world.lead(ANNA)).id, 30, NOW)


async def _refused(world: World) -> None:
    lead = await world.lead(ANNA)
    await world.intake.withdraw(lead.id, EMAIL_MARKETING, "unsubscribe", NOW)


async def _came_with_a_list(world: World) -> None:
    await world.tell(source="import", at=NOW - DAY, consents=())


async def _asked_for_a_demo(world: World) -> None:
    """Before it filled in the form that asks."""
    await world.tell("form_submitted", source="form/demo", at=NOW - DAY, consents=())


@pytest.fixture
def brief(db: Database) -> World:
    """No touch is kept longer than who never confirmed."""
    kept = Retention(touches=REQUEST_LASTS, unconfirmed=REQUEST_LASTS)
    return World(db, OneBook(replace(ASKING, retention=kept)))


@pytest.mark.parametrize(
    "known",
    [
        _had_a_case,
        _talked_to_sales,
        _bought,
        _wants_a_break,
        _refused,
        _came_with_a_list,
        _asked_for_a_demo,
    ],
)
async def test_what_is_known_of_a_lead_keeps_it_when_the_touches_that_told_it_are_gone(
    brief: World, known: Callable[[World], Awaitable[None]]
) -> None:
    await _ask(brief)
    await known(brief)
    assert not await _forgotten(brief, NOW + 40 * DAY)
    assert await brief.rows(TouchRow) == []
    await _ask(brief, NOW + 50 * DAY, mail="m2")
    assert not await _forgotten(brief, NOW + 90 * DAY)
    assert (await brief.lead(ANNA)).email == ANNA


async def test_that_a_form_asked_is_not_forgotten_before_whom_it_asked(brief: World) -> None:
    """More had to confirm something than are looked at together."""
    bo = await brief.tell(email="bo@example.org", source="import", consents=())
    async with brief.db.write() as session:
        for minute in range(PAGE):
            at, more = NOW - timedelta(minutes=minute), {"purpose": "x", "source": "form/guide"}
            session.add(ConsentRequestRow(lead_id=bo.id, at=at, **more))
    anna = await _ask(brief)
    await _forgotten(brief, NOW + 90 * DAY)
    gone = {row.id: row.erased_at for row in await brief.rows(LeadRow)}
    assert gone[anna]


async def test_who_was_asked_by_two_forms_and_confirmed_neither_is_forgotten_after_the_last(
    brief: World,
) -> None:
    """The touches of the first form are older by then than touches are kept."""
    await _ask(brief)
    later = NOW + 20 * DAY
    again = {"at": later, "consents": (), "requests": (request(later, EMAIL_MARKETING),)}
    await brief.tell("form_submitted", source="form/demo", **again)
    for days in (29, 31, 49):
        assert not await _forgotten(brief, NOW + days * DAY)
    assert await _forgotten(brief, NOW + 51 * DAY)


async def test_without_a_period_nobody_is_forgotten(world: World) -> None:
    await _ask(world)
    assert not await _forgotten(world, NOW + 900 * DAY)
