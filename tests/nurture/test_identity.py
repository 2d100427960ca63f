"""Whose message is this? The same messages make the same leads, in whatever order they arrive."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.domain.consent import EMAIL_MARKETING, ConsentRecord
from nurture.domain.effects import CreateTask
from nurture.domain.errors import InputError
from nurture.domain.sla import State
from nurture.handovers.desk import TASK_DONE
from nurture.incoming import Answer, Incoming
from nurture.store import leads
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow, NoticeRow
from nurture.store.tables import (
    ConsentRow,
    EnrolmentRow,
    IdentityRow,
    LeadRow,
    TouchRow,
)
from tests.support.domain import DAY, NOW
from tests.support.fresh import Fresh
from tests.support.playbook import PLAYBOOK
from tests.support.world import World

PEOPLE = ("anna", "bo")
SOURCES = ("site", "crm")


@st.composite
def _message(draw: st.DrawFn, shared: bool) -> dict[str, Any]:
    """What one of two persons does in one of its browsers, or in the one they share."""
    who = draw(st.sampled_from(PEOPLE))
    browsers = [f"{who}-phone", f"{who}-desk", *(["family"] if shared else [])]
    said: dict[str, Any] = {
        "at": NOW + timedelta(hours=draw(st.integers(-200, 0))),
        "touch": draw(st.sampled_from(["page", "demo_requested", None])),
        "trusted": draw(st.booleans()),
    }
    if draw(st.booleans()):
        said["anonymous_id"] = draw(st.sampled_from(browsers))
    if draw(st.booleans()):
        said["user_id"] = f"user-{who}"
    if draw(st.booleans()) or not (said.keys() & {"anonymous_id", "user_id"}):
        said["email"] = f"{who}@example.org"
    if draw(st.booleans()):
        said["traits"] = {"first_name": draw(st.sampled_from(["A", "B", None]))}
    if draw(st.booleans()):
        granted = draw(st.booleans())
        said["consents"] = (ConsentRecord(EMAIL_MARKETING, granted, said["at"], "form"),)
    return said


def _messages(shared: bool) -> st.SearchStrategy[list[Incoming]]:
    return st.lists(_message(shared), min_size=2, max_size=9).map(
        lambda drawn: [Incoming(message_id=f"m{n}", **said) for n, said in enumerate(drawn)]
    )


async def _told(db: Database, batches: Sequence[Sequence[Incoming]]) -> World:
    world = World(db)
    for batch in batches:
        for source in SOURCES:
            await world.intake.take(source, [each for each in batch if _from(each) == source], NOW)
    return world


def _from(message: Incoming) -> str:
    return SOURCES[int(message.message_id[1:]) % 2] if message.message_id[1:].isdigit() else "site"


async def _picture(world: World) -> list[Any]:
    """Each lead that still is one, with all it owns, without the ids that chance gave."""
    names, touches = await world.rows(IdentityRow), await world.rows(TouchRow)
    return sorted(
        (
            sorted((name.kind, name.value) for name in names if name.lead_id == row.id),
            sorted(touch.id for touch in touches if touch.lead_id == row.id),
            row.email or "",
            row.traits,
            row.consents,
            (row.fit, row.engagement),
            row.first_touch_at,
            row.source,
        )
        for row in await world.rows(LeadRow)
        if row.merged_into is None
    )


def _batches(messages: list[Incoming], seed: int) -> list[list[Incoming]]:
    """The same messages in another order, cut into batches anywhere."""
    chance = random.Random(seed)
    shuffled = messages[:]
    chance.shuffle(shuffled)
    cut = chance.randint(0, len(shuffled))
    return [part for part in (shuffled[:cut], shuffled[cut:]) if part]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=_messages(shared=False), seed=st.integers(0, 1000))
async def test_the_order_of_arrival_does_not_matter(
    fresh: Fresh, messages: list[Incoming], seed: int
) -> None:
    async with fresh() as db:
        expected = await _picture(await _told(db, [[message] for message in messages]))
    async with fresh() as db:
        assert await _picture(await _told(db, _batches(messages, seed))) == expected


ADDRESSES = ("anna@new.example", "anna@old.example")


@st.composite
def _move(draw: st.DrawFn) -> dict[str, Any]:
    """A shop's word about one customer, who has another address by and by."""
    address = draw(st.sampled_from(ADDRESSES))
    known = draw(st.sampled_from([{"user_id": "anna"}, {"user_id": "shop-7"}]))
    return {"at": NOW + timedelta(hours=draw(st.integers(-3, 0))), "email": address, **known}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(_move(), min_size=1, max_size=6), seed=st.integers(0, 1000))
async def test_the_address_that_a_shop_told_last_is_the_one_written_to(
    fresh: Fresh, moves: list[dict[str, Any]], seed: int
) -> None:
    messages = [
        Incoming(f"m{n}", touch="page", trusted=True, **move) for n, move in enumerate(moves)
    ]
    same = Incoming("alias", NOW, user_id="anna", previous_id="shop-7", trusted=True)
    async with fresh() as db:
        world = await _told(db, _batches([*messages, same], seed))
        [row] = [row for row in await world.rows(LeadRow) if row.merged_into is None]
        assert row.email == max((move["at"], move["email"]) for move in moves)[1]


@st.composite
def _word(draw: st.DrawFn) -> dict[str, Any]:
    """Of one customer: a shop's, which tells its address, or a browser's, which tells what was typed there."""
    trusted = draw(st.booleans())
    told = draw(st.sampled_from(ADDRESSES)) if trusted else ADDRESSES[1]
    browser = draw(st.sampled_from([{}, {"anonymous_id": "phone"}])) if not trusted else {}
    at = NOW + timedelta(hours=draw(st.integers(-3, 0)))
    return {"at": at, "email": told, "user_id": "anna", "trusted": trusted, **browser}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(_word(), min_size=2, max_size=6), seed=st.integers(0, 1000))
async def test_nor_does_it_matter_whether_a_shop_or_a_browser_tells_first_of_two_addresses(
    fresh: Fresh, words: list[dict[str, Any]], seed: int
) -> None:
    messages = [Incoming(f"m{n}", touch="page", **word) for n, word in enumerate(words)]
    async with fresh() as db:
        expected = await _picture(await _told(db, [[message] for message in messages]))
    async with fresh() as db:
        assert await _picture(await _told(db, _batches(messages, seed))) == expected


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=_messages(shared=True), seed=st.integers(0, 1000))
async def test_a_shared_browser_never_melts_two_persons_into_one(
    fresh: Fresh, messages: list[Incoming], seed: int
) -> None:
    async with fresh() as db:
        world = await _told(db, _batches(messages, seed))
        for row in await world.rows(LeadRow):
            theirs = [name for name in await world.rows(IdentityRow) if name.lead_id == row.id]
            assert len({name.value for name in theirs if name.kind == "email"}) <= 1
            own = {name.value for name in theirs if name.kind == "user" and not name.by_browser}
            assert len(own) <= 1
        assert len(await world.rows(TouchRow)) == len(messages)


SHOPPERS = {"u1": "Anna", "u2": "Bo"}


@pytest.mark.parametrize("first", [{}, {"email": "anna@example.org"}])
async def test_two_customers_who_log_in_on_one_browser_stay_two(
    db: Database, first: dict[str, Any]
) -> None:
    """The shop knows both by user id, and of one the address; of the other it tells that later."""
    world = World(db)
    yes = (ConsentRecord(EMAIL_MARKETING, True, NOW, "shop"),)
    for user_id, name in SHOPPERS.items():
        said = {"traits": {"first_name": name}, "consents": yes if name == "Bo" else ()}
        told: dict[str, Any] = {"email": None, **(first if name == "Anna" else {}), **said}
        await world.intake.take(
            "shop",
            [Incoming(f"{name} in the shop", NOW, user_id=user_id, trusted=True, **told)],
            NOW,
        )
    for user_id in (*SHOPPERS, "u1"):
        await world.tell(
            "page", email=None, user_id=user_id, anonymous_id="family", trusted=False, consents=()
        )
    await world.tell(None, email="bo@example.org", user_id="u2", consents=())
    anna, bo = await world.lead("u1"), await world.lead("u2")
    assert (anna.email, anna.traits, anna.consents) == (
        first.get("email"),
        {"first_name": "Anna"},
        [],
    )
    assert (bo.email, bo.consents) == ("bo@example.org", [EMAIL_MARKETING])
    pages = [touch.lead_id for touch in await world.rows(TouchRow) if touch.name == "page"]
    assert sorted(pages) == sorted([anna.id, anna.id, bo.id])


async def test_nor_is_a_user_who_is_new_taken_for_the_one_before_in_the_browser(
    db: Database,
) -> None:
    world = World(db)
    for user_id in SHOPPERS:
        await world.tell("page", email=None, user_id=user_id, anonymous_id="family", trusted=False)
    assert (await world.lead("u1")).id != (await world.lead("u2")).id


@pytest.mark.parametrize("trusted", [True, False])
async def test_an_address_told_while_another_was_logged_in_goes_to_the_user_it_is_told_of(
    db: Database, trusted: bool
) -> None:
    world = World(db)
    anna = await world.tell("page", email=None, user_id="u1", anonymous_id="family", trusted=False)
    await world.tell("page", email="bo@example.org", anonymous_id="family", trusted=False)
    bo = await world.tell("page", email=None, user_id="u2", anonymous_id="phone", trusted=False)
    told = await world.tell("page", email="bo@example.org", user_id="u2", trusted=trusted)
    assert (told.id, told.email) == (bo.id, "bo@example.org")
    assert ((await world.lead("u1")).id, (await world.lead("u1")).email) == (anna.id, None)


async def test_a_lead_came_from_where_its_first_visit_was_also_in_a_browser_that_joined_it_later(
    db: Database,
) -> None:
    world = World(db)
    await world.tell("page", email=None, anonymous_id="phone", source="site")
    await world.tell("form_submitted", anonymous_id="desk", at=NOW + DAY, source="form/guide")
    joined = await world.tell("page", anonymous_id="phone", at=NOW + 2 * DAY, source="site")
    assert (joined.source, joined.first_touch_at) == ("site", NOW)
    heard_late = await world.tell("page", at=NOW - DAY, source="crm")
    assert (heard_late.source, heard_late.first_touch_at) == ("crm", NOW - DAY)


async def test_what_a_visitor_did_joins_the_first_who_logs_in(db: Database) -> None:
    world = World(db)
    await world.tell("page", email=None, anonymous_id="family")
    for user_id in SHOPPERS:
        await world.tell("page", email=None, user_id=user_id)
        await world.tell("page", email=None, user_id=user_id, anonymous_id="family", trusted=False)
    touches = [touch.lead_id for touch in await world.rows(TouchRow)]
    assert touches.count((await world.lead("u1")).id) == 3
    assert touches.count((await world.lead("u2")).id) == 2


async def test_two_user_ids_of_one_person_join_by_an_alias_or_an_address_in_the_browser(
    db: Database,
) -> None:
    world = World(db)
    said: dict[str, Any] = {"email": None, "anonymous_id": "phone", "trusted": False}
    for user_id in ("u1", "u2", "u3"):
        await world.tell("page", **{**said, "user_id": user_id})
    await world.tell(None, **{**said, "user_id": "u2", "previous_id": "u1"})
    for user_id in ("u2", "u3"):
        await world.tell(None, **{**said, "user_id": user_id, "email": "anna@example.org"})
    assert len({(await world.lead(user_id)).id for user_id in ("u1", "u2", "u3")}) == 1


async def test_a_user_id_told_in_anothers_browser_melts_nobody_once_a_shop_tells_whose_it_is(
    db: Database,
) -> None:
    world = World(db)
    bo = await world.tell("page", email="bo@example.org", anonymous_id="family", trusted=False)
    anna = await world.tell("page", email="anna@example.org")
    await world.tell("page", email=None, anonymous_id="family", user_id="u-anna", trusted=False)
    assert (await world.lead("u-anna")).id == bo.id, "nobody could know better yet"
    await world.tell("page", email=None, user_id="u-anna")
    told = await world.tell("page", email="anna@example.org", user_id="u-anna")
    assert told.id == anna.id == (await world.lead("u-anna")).id
    assert (await world.lead("bo@example.org")).id == bo.id


async def test_a_user_that_is_seen_in_anothers_browser_takes_nothing_of_theirs_along(
    db: Database,
) -> None:
    world = World(db)
    bo = await world.tell("page", email="bo@example.org", anonymous_id="family")
    await world.tell("page", email=None, user_id="u-anna", anonymous_id="phone", trusted=False)
    await world.tell("page", email=None, user_id="u-anna", anonymous_id="family", trusted=False)
    anna = await world.tell("page", email="anna@example.org", user_id="u-anna")
    assert anna.id != (await world.lead("bo@example.org")).id == bo.id
    assert (await world.lead("u-anna")).id == anna.id


async def test_who_gives_anothers_user_id_beside_an_address_gets_nothing_of_theirs(
    db: Database,
) -> None:
    world = World(db)
    other = await world.tell("page", email="m@example.org", user_id="u-anna", trusted=False)
    anna = await world.tell("page", email="anna@example.org", user_id="u-anna")
    form = await world.tell("form_submitted", email="m@example.org", source="form/guide")
    assert form.id == other.id != anna.id == (await world.lead("u-anna")).id
    assert (await world.lead("u-anna")).email == "anna@example.org"


async def test_an_address_told_in_anothers_browser_is_its_owners_again(db: Database) -> None:
    world = World(db)
    bo = await world.tell("page", email=None, user_id="u-bo", anonymous_id="family")
    await world.tell("page", email="anna@example.org", anonymous_id="family", trusted=False)
    told = await world.tell("page", email="bo@example.org", user_id="u-bo")
    assert (told.id, told.email) == (bo.id, "bo@example.org")
    anna = await world.tell("form_submitted", email="anna@example.org")
    assert anna.id != bo.id


@pytest.mark.parametrize("consents", [(), (EMAIL_MARKETING,)])
async def test_a_customer_whose_user_id_came_by_a_browser_may_still_move_once_a_shop_knew_both(
    db: Database, consents: tuple[str, ...]
) -> None:
    """Also when the shop's word says nothing new but that."""
    world = World(db)
    one = await world.tell("page", email="old@example.org", anonymous_id="phone", trusted=False)
    await world.tell("page", email=None, anonymous_id="phone", user_id="u", trusted=False)
    await world.tell("page", email="old@example.org", user_id="u", consents=consents)
    told = await world.tell("page", email="new@example.org", user_id="u", at=NOW + DAY)
    assert (told.id, told.email) == (one.id, "new@example.org")


async def test_a_trusted_word_in_a_shared_browser_does_not_join_its_two_users(
    db: Database,
) -> None:
    world = World(db)
    anna = await world.tell("page", email="anna@example.org", anonymous_id="family")
    bo = await world.tell("page", email="bo@example.org", user_id="user-bo")
    await world.tell("page", email=None, user_id="user-bo", anonymous_id="family")
    assert (await world.lead("anna@example.org")).id == anna.id
    assert (await world.lead("bo@example.org")).id == bo.id


async def test_an_alias_joins_what_is_known_under_both_ids(db: Database) -> None:
    world = World(db)
    await world.tell("page", email=None, user_id="old", anonymous_id="a")
    await world.tell("page", email=None, user_id="new", anonymous_id="b")
    row = await world.tell(None, email=None, user_id="new", previous_id="old", anonymous_id="x")
    assert {touch.lead_id for touch in await world.rows(TouchRow)} == {row.id}


async def test_who_moves_is_known_by_an_address_as_a_user_id_however_it_is_spelled(
    db: Database,
) -> None:
    world = World(db)
    row = await world.tell("page", email="old@example.org", user_id="bo@firm.example")
    told = await world.tell(None, email="new@example.org", user_id="BO@FIRM.EXAMPLE", at=NOW + DAY)
    assert (told.id, told.email) == (row.id, "new@example.org")


async def test_an_alias_told_before_anybody_used_the_old_id_holds_later(db: Database) -> None:
    world = World(db)
    row = await world.tell(None, email=None, user_id="new", previous_id="old", anonymous_id="x")
    late = await world.tell("page", email=None, user_id="old", anonymous_id="y")
    assert late.id == row.id


async def _with_sales(db: Database, *names: str) -> tuple[World, list[str]]:
    """Customers of those names, each known a minute later than the one before; sales has them all. Their handovers."""
    world = World(db)
    found = []
    for minute, name in enumerate(names):
        at = NOW + timedelta(minutes=minute)
        told: dict[str, Any] = {"email": f"{name}@example.org", "user_id": name}
        await world.tell("page", at=at, **told)
        found.append(await world.desk.open(f"{name}@example.org", "met at the fair", "bo", at))
    return world, found


async def _join(world: World, one: str = "anna", other: str = "ann") -> LeadRow:
    """A trusted system says that these two are one."""
    email = f"{one}@example.org"
    return await world.tell(None, email=email, user_id=one, previous_id=other, at=NOW + 2 * DAY)


async def _handover(world: World, id_: str) -> HandoverRow:
    [row] = [row for row in await world.rows(HandoverRow) if row.id == id_]
    assert isinstance(row, HandoverRow)
    return row


@pytest.mark.parametrize("further", ["anna", "ann"])
@pytest.mark.parametrize(
    "answer",
    [
        Answer(State.ACCEPTED, NOW + DAY),
        Answer(State.CONTACTED, NOW + DAY, how="call"),
        Answer(State.BOOKED, NOW + DAY, until=NOW + 3 * DAY),
    ],
)
async def test_of_two_handovers_of_one_person_sales_keeps_the_one_it_is_further_with(
    db: Database, answer: Answer, further: str
) -> None:
    world, (anna, ann) = await _with_sales(db, "anna", "ann")
    kept, over = (anna, ann) if further == "anna" else (ann, anna)
    await world.desk.answer(kept, answer)
    row = await _join(world)
    assert (await _handover(world, kept)).state == answer.state
    gone = await _handover(world, over)
    owner = (await _handover(world, kept)).owner
    why = f"the lead was joined with one that {owner} has in hand"
    assert (gone.state, gone.closed_at, gone.outcome) == ("recycled", NOW + 2 * DAY, why)
    assert await world.reports.lead(row.id, NOW, owner), "whoever has it in hand sees it"
    await world.desk.answer(kept, Answer(State.WON, NOW + 3 * DAY, amount=5_000))
    assert (await world.lead("ann")).stage == "customer"


async def test_of_two_that_sales_is_as_far_with_it_keeps_the_one_it_got_first(
    db: Database,
) -> None:
    world, (anna, ann) = await _with_sales(db, "anna", "ann")
    await _join(world)
    states = {row.id: row.state for row in await world.rows(HandoverRow)}
    assert states == {anna: "open", ann: "recycled"}


@pytest.mark.parametrize(
    "pairs", [[("an", "ann"), ("an", "anna")], [("anna", "an"), ("ann", "an")]]
)
async def test_in_whatever_order_three_turn_out_to_be_one_sales_keeps_the_same_handover(
    db: Database, pairs: list[tuple[str, str]]
) -> None:
    world, handovers = await _with_sales(db, "anna", "ann", "an")
    await world.desk.answer(handovers[1], Answer(State.CONTACTED, NOW + DAY, how="call"))
    for pair in pairs:
        await _join(world, *pair)
    states = {row.id: row.state for row in await world.rows(HandoverRow)}
    assert [states[id_] for id_ in handovers] == ["recycled", "contacted", "recycled"]


async def test_sales_hears_which_of_two_handovers_is_over_and_why(db: Database) -> None:
    world, (anna, ann) = await _with_sales(db, "anna", "ann")
    await world.desk.answer(ann, Answer(State.CONTACTED, NOW + DAY, how="call"))
    world.alarm.woken.clear()
    row = await _join(world)
    told = [each for each in await world.rows(NoticeRow) if each.number > 1]
    assert [(each.handover_id, each.type) for each in told] == [(anna, "lead.handover.recycled")]
    data = told[0].data
    owner = (await _handover(world, ann)).owner
    assert data["handover"]["news"] == f"the lead was joined with one that {owner} has in hand"
    assert data["lead"]["id"] == row.id
    assert ("handover", anna) in world.alarm.woken
    with pytest.raises(InputError, match="this handover is recycled"):
        await world.desk.answer(anna, Answer(State.ACCEPTED, NOW + 3 * DAY))


async def test_tasks_of_two_who_are_one_stay_each_a_thing_of_its_own(db: Database) -> None:
    """A call that was made, and a meeting that is still to come."""
    world = World(db)
    tasks = []
    for name, title in (("anna", "Call about backups"), ("ann", "Meet about servers")):
        lead = await world.tell("page", email=f"{name}@example.org", user_id=name)
        async with world.outbox.write() as session:
            row = await leads.lock(session, lead.id)
            assert row is not None
            facts = await leads.facts(session, row, NOW)
            task = CreateTask("call", "call", "sales", title, None)
            given = await world.handovers.ask(
                session, PLAYBOOK, row, facts, task, title, "welcome", NOW
            )
            tasks.append(given.id)
    await world.desk.answer(tasks[0], Answer(State.CONTACTED, NOW + DAY, how="call"))
    row = await _join(world)
    assert [(await _handover(world, id_)).state for id_ in tasks] == ["contacted", "open"]
    assert len(await world.rows(NoticeRow)) == 2
    said = await world.desk.answer(tasks[1], Answer(State.CONTACTED, NOW + 3 * DAY, how="meeting"))
    assert said.startswith("Noted: contacted.")
    done = [touch for touch in await world.rows(TouchRow) if touch.name == TASK_DONE]
    assert {touch.lead_id for touch in done} == {row.id}


async def test_what_a_flow_waits_for_may_be_what_the_other_half_of_a_lead_did(db: Database) -> None:
    world = World(db)
    anna = await world.tell("form_submitted", user_id="anna")
    await world.tell("pricing", email=None, anonymous_id="phone", consents=())
    world.alarm.woken.clear()
    joined = await world.tell(None, anonymous_id="phone", consents=(), at=NOW + DAY)
    assert joined.id == anna.id
    [run] = await world.rows(EnrolmentRow)
    assert ("enrolment", run.id) in world.alarm.woken


async def test_joining_two_known_leads_loses_nothing_of_either(db: Database) -> None:
    """Sales has both, both are in the welcome flow, each is on a list: a trusted system says they are one."""
    world = World(db)
    for name in ("anna", "ann"):
        told: dict[str, Any] = {"email": f"{name}@example.org", "user_id": name}
        await world.tell("form_submitted", **told)
        await world.tell("demo_requested", traits={"occupation": "pro", name: "yes"}, **told)
    gone = await world.lead("ann@example.org")
    async with db.write() as session:
        session.add(
            AudienceMemberRow(
                audience="hesitating",
                lead_id=gone.id,
                by_step=True,
                desired=True,
                confirmed=True,
                named=True,
                changed_at=NOW,
                next_try_at=NOW,
            )
        )
    world.alarm.woken.clear()
    row = await world.tell(
        None, email="anna@example.org", user_id="anna", previous_id="ann", at=NOW + DAY
    )
    runs, handovers = await world.rows(EnrolmentRow), await world.rows(HandoverRow)
    assert {each.lead_id for each in [*runs, *handovers, *await world.rows(ConsentRow)]} == {row.id}
    assert sorted(run.ended or "" for run in runs) == ["", "merged"]
    assert sorted(handover.closed_at is None for handover in handovers) == [False, True]
    assert row.engagement == 80
    assert row.traits.keys() >= {"anna", "ann", "occupation"}
    lists = {member.lead_id: member.desired for member in await world.rows(AudienceMemberRow)}
    assert lists == {gone.id: False, row.id: True}
    assert {"audience", "handover"} <= set(world.alarm.kinds())
