"""Two servers, or a server and a worker, that mean the same lead at the same moment: on PostgreSQL they really meet."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import update
from sqlmodel import col

from nurture.domain import topics
from nurture.domain.enrolment import Entry, Trigger
from nurture.domain.errors import Contended
from nurture.incoming import Incoming
from nurture.store import enrolments, leads, notices, owned
from nurture.store.database import Database
from nurture.store.handover_tables import NoticeRow
from nurture.store.tables import EnrolmentRow, IdentityRow, LeadRow, MessageRow, TouchRow
from tests.support.domain import HOUR, NOW
from tests.support.mails import sent
from tests.support.playbook import PLAYBOOK
from tests.support.postgres import stands_in_line
from tests.support.world import OneBook, World

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[World]:
    """Another process' view of the same database."""
    db = Database(database_url, pool=3)
    world = World(db)
    yield world
    await world.outbox.drain()
    await db.close()


async def test_two_servers_that_hear_of_the_same_people_at_once_lose_and_mix_nothing(
    db: Database, other: World
) -> None:
    chance, told = random.Random(9), 0
    one = World(db)
    for number in range(12):
        rounds = [_said(chance, f"{number}-{name}") for name in "abcdef"]
        told += sum(len(messages) for messages in rounds)
        await asyncio.gather(
            *(
                world.intake.take("server", messages, NOW)
                for messages, world in zip(rounds, (one, other) * 3, strict=True)
            )
        )
    gone = {row.id for row in await one.rows(LeadRow) if row.merged_into}
    assert gone, "nobody was joined: the test proves nothing"
    assert not any(row.email for row in await one.rows(LeadRow) if row.merged_into)
    kept = [*await one.rows(TouchRow), *await one.rows(IdentityRow)]
    assert not gone & {row.lead_id for row in kept}
    assert len(await one.rows(TouchRow)) == told
    assert {row.value for row in await one.rows(IdentityRow) if row.kind == "email"} == {
        row.email for row in await one.rows(LeadRow) if row.email
    }


def _said(chance: random.Random, batch: str) -> list[Incoming]:
    """By three persons in three browsers, in any mixture."""
    messages = []
    for number in range(6):
        who = chance.randrange(3)
        names = {"anonymous_id": f"browser-{chance.randrange(3)}-{batch[:-2]}"}
        if chance.random() < 0.6:
            names |= {"email": f"p{who}-{batch[:-2]}@example.org"}
        messages.append(Incoming(f"{batch}-{number}", NOW, touch="page", **names))
    return messages


async def test_a_run_is_found_though_its_lead_is_joined_while_somebody_waits_for_it(
    db: Database, other: World
) -> None:
    """In another order than lead before run the two would wait for each other."""
    async with db.write() as session:
        session.add_all(LeadRow(id=name, stage="lead", created_at=NOW) for name in "ab")
        await session.flush()
        session.add(
            EnrolmentRow(
                id="run", lead_id="a", flow="f", ordinal=1, playbook="p", since=NOW, started_at=NOW
            )
        )

    async def proceed() -> tuple[str, str]:
        async with other.db.write() as session:
            found = await owned.hold(session, EnrolmentRow, "run")
            assert found
            return found[0].lead_id, found[1].id

    async with db.write() as session:
        await leads.lock_all(session, ["a", "b"])
        waiting = asyncio.create_task(proceed())
        await stands_in_line(db)
        assert not waiting.done()
        await session.execute(update(EnrolmentRow).values(lead_id="b"))
        await session.execute(update(LeadRow).where(col(LeadRow.id) == "a").values(merged_into="b"))
    assert await waiting == ("b", "b")


@pytest.mark.parametrize("email", [None, "anna@example.org"])
async def test_a_touch_of_somebody_who_is_being_joined_is_told_of_who_stays(
    db: Database, other: World, email: str | None
) -> None:
    world = World(db)
    for name in ("old", "new"):
        await world.tell("page", email=None, anonymous_id=name)
    goes, stays = [(await world.lead(name)).id for name in ("old", "new")]
    message = Incoming("m", NOW, touch="page", anonymous_id="old", email=email)
    async with db.write() as session:
        await leads.lock_all(session, [goes, stays])
        telling = asyncio.create_task(other.intake.take("server", [message], NOW))
        await stands_in_line(db)
        assert not telling.done()
        await session.execute(update(IdentityRow).values(lead_id=stays))
        await session.execute(
            update(LeadRow).where(col(LeadRow.id) == goes).values(merged_into=stays)
        )
    await telling
    [told] = [row for row in await world.rows(TouchRow) if row.source == "server"]
    assert told.lead_id == stays
    assert [row.id for row in await world.rows(LeadRow) if row.email] == ([stays] if email else [])


async def test_a_user_id_that_a_shop_takes_back_from_a_shared_browser_melts_nobody_who_waits_for_it(
    db: Database, other: World
) -> None:
    """Two messages tell at once whose it is; the second looked up the first's word before that was kept."""
    world = World(db)
    bo = await world.tell("page", email="bo@example.org", anonymous_id="family", trusted=False)
    await world.tell("page", email=None, user_id="u-anna", anonymous_id="family", trusted=False)
    anna = await world.tell("form_submitted", email="anna@example.org")
    said = {"user_id": "u-anna", "email": "anna@example.org", "trusted": True}
    message = Incoming("m", NOW, touch="demo_requested", **said)
    async with db.write() as session:
        await leads.lock_all(session, sorted([anna.id, bo.id]))
        telling = asyncio.create_task(other.intake.take("server", [message], NOW))
        await stands_in_line(db)
        assert not telling.done()
        await leads.own_name(session, "user", "u-anna", anna.id)
    await telling
    assert (await world.lead("u-anna")).id == (await world.lead("anna@example.org")).id == anna.id
    assert (await world.lead("bo@example.org")).id == bo.id


async def test_what_another_wrote_since_a_row_was_read_is_known_once_it_is_locked(
    db: Database, other: World
) -> None:
    async with db.write() as session:
        session.add(LeadRow(id="a", stage="lead", created_at=NOW))
    async with db.write() as session:
        row = await session.get(LeadRow, "a")
        assert row
        async with other.db.write() as meanwhile:
            await meanwhile.execute(update(LeadRow).values(fit=7))
        row.persona = "student"
        assert await leads.lock(session, "a") is row
        assert (row.fit, row.persona) == (7, "student")


async def test_a_person_is_forgotten_though_somebody_comes_by_an_old_link_at_the_same_moment(
    db: Database, other: World
) -> None:
    """In another order than the old name's before the lead's own the two would wait for each other."""
    async with db.write() as session:
        session.add(LeadRow(id="new", email="a@example.org", stage="lead", created_at=NOW))
        session.add(LeadRow(id="old", stage="lead", created_at=NOW, merged_into="new"))
    async with db.write() as session:
        await leads.lock(session, "old")
        erasing = asyncio.create_task(other.privacy.erase("a@example.org", "Bo", NOW))
        await stands_in_line(db)
        assert not erasing.done()
        assert await leads.lock(session, "new")
    assert (await erasing).lead == "new"
    assert all(row.erased_at for row in await other.rows(LeadRow))


async def test_a_lead_that_is_joined_while_somebody_forgets_it_is_not_half_forgotten(
    db: Database, other: World
) -> None:
    async with db.write() as session:
        session.add_all(LeadRow(id=name, stage="lead", created_at=NOW) for name in "ab")
    async with db.write() as session:
        await leads.lock_all(session, ["a", "b"])
        erasing = asyncio.create_task(other.privacy.erase("a", "Bo", NOW))
        await stands_in_line(db)
        assert not erasing.done()
        await session.execute(update(LeadRow).where(col(LeadRow.id) == "a").values(merged_into="b"))
    with pytest.raises(Contended):
        await erasing
    assert not any(row.erased_at for row in await other.rows(LeadRow))


async def test_a_person_settles_a_mail_while_its_run_goes_on(db: Database, other: World) -> None:
    """In another order than the run before its mail the two would wait for each other."""
    world = World(db)
    await sent(world, "lost", state="unknown", reason="connection_lost")
    [run] = await world.rows(EnrolmentRow)
    async with db.write() as session:
        await enrolments.lock(session, run.id)
        settling = asyncio.create_task(other.mails.settle(["lost"], False, "Bo", NOW))
        await stands_in_line(db)
        assert not settling.done()
        assert await session.get(MessageRow, "lost", with_for_update=True)
    assert await settling == 1


async def test_two_servers_let_no_more_leads_start_a_day_than_the_flow_says(
    db: Database, other: World
) -> None:
    form = topics.touch("form_submitted")
    book = replace(PLAYBOOK, entries={"welcome": Entry(frozenset({form}), a_day=24)})
    one, two = World(db, OneBook(book)), World(other.db, OneBook(book))
    anna = await one.tell("page")
    async with db.write() as session:
        row = await leads.lock(session, anna.id)
        assert row
        await one.reactions.settle(session, book, row, [Trigger(form)], NOW)
        bo = Incoming("bo", NOW, touch="form_submitted", email="bo@example.org")
        coming = asyncio.create_task(two.intake.take("server", [bo], NOW))
        await stands_in_line(db)
    await coming
    first, second = sorted(row.started_at for row in await one.rows(EnrolmentRow))
    assert first == NOW
    assert HOUR <= second - NOW < 2 * HOUR, "the next hour has room for the second"


async def test_there_may_be_no_such_run(db: Database) -> None:
    async with db.write() as session:
        assert await owned.hold(session, EnrolmentRow, "none") is None


async def test_who_is_erased_while_a_try_to_tell_sales_begins_is_known_to_sales(
    db: Database, other: World
) -> None:
    world = World(db)
    await world.tell("demo_requested", traits={"occupation": "pro"})
    [notice] = await world.rows(NoticeRow)
    async with db.write() as session:
        assert await notices.begin(session, notice.id)
        erasing = asyncio.create_task(other.privacy.erase("anna@example.org", "Bo", NOW))
        await stands_in_line(db)
        assert not erasing.done()
    assert (await erasing).handovers == 1
