"""A person is erased while somebody is being told of it: nothing of it comes back, and sales hears that it is gone."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.testing import ActivityEnvironment

from activities.handovers import HandoverActivities
from nurture.domain.errors import Transient
from nurture.domain.feedback import Event, Kind
from nurture.ports import Notice
from nurture.store import messages, notices
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow, NoticeRow
from nurture.store.tables import MessageRow
from tests.support.domain import NOW
from tests.support.mails import sent
from tests.support.world import World

CREATED, ERASED = "lead.handover.created", "lead.handover.erased"


class Floor:
    """Sales: what it heard, and what happens (or goes wrong) while it is told the first thing."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []
        self.errors: list[Exception] = []

    async def deliver(self, notice: Notice) -> None:
        while self.meanwhile:
            await self.meanwhile.pop()()
        self.heard.append(notice.type)
        if self.errors:
            raise self.errors.pop(0)


class House:
    """Anna was handed over; nobody has told sales yet."""

    def __init__(self, db: Database) -> None:
        self.world = World(db)
        self.floor = Floor()
        world = self.world
        self._sales = HandoverActivities(
            world.outbox, world.shelf, world.handovers, world.reactions, self.floor
        )

    async def look(self) -> None:
        [row] = await self.world.rows(HandoverRow)
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, started_time=NOW)
        await environment.run(self._sales.advance, row.id)

    async def erase(self) -> None:
        await self.world.privacy.erase("anna@example.org", "operator", NOW)

    async def notice(self) -> NoticeRow:
        """Of her being handed over."""
        rows: list[NoticeRow] = await self.world.rows(NoticeRow)
        return next(row for row in rows if row.type == CREATED)


@pytest.fixture
async def house(db: Database) -> House:
    found = House(db)
    await found.world.tell("demo_requested", traits={"first_name": "Asta", "occupation": "pro"})
    return found


async def test_sales_that_was_just_told_of_her_hears_that_she_is_erased(house: House) -> None:
    house.floor.meanwhile = [house.erase]
    await house.look()
    await house.look()
    assert house.floor.heard == [CREATED, ERASED]
    assert (await house.notice()).data == {}


async def test_what_sales_did_not_take_is_neither_kept_nor_told_again(house: House) -> None:
    house.floor.meanwhile = [house.erase]
    house.floor.errors = [Transient("503", "no room for anna@example.org")]
    await house.look()
    row = await house.notice()
    assert (row.data, row.error, row.dead_at) == ({}, "", NOW)
    await house.look()
    assert house.floor.heard == [CREATED, ERASED], "it may have heard"


async def test_sales_that_was_never_told_of_her_hears_nothing(house: House) -> None:
    await house.erase()
    await house.look()
    assert house.floor.heard == []
    async with house.world.db.read() as session:
        assert await notices.dead(session, None, 1) == [], (
            "nothing is left of it that somebody could send"
        )


async def test_who_is_erased_before_a_notice_is_sent_again_is_still_known_to_sales(
    house: House,
) -> None:
    await house.look()
    known = await house.notice()
    async with house.world.db.write() as session:
        row = await session.get_one(NoticeRow, known.id)
        await notices.again(session, [row.id], NOW + timedelta(hours=1))
    await house.erase()
    await house.look()
    assert house.floor.heard == [CREATED, ERASED]


@pytest.mark.parametrize("state", ["bounced", "planned"])
async def test_what_a_provider_says_of_her_mail_afterwards_is_not_kept(
    db: Database, state: str
) -> None:
    world = World(db)
    await sent(world, "m", state="claimed")
    await world.privacy.erase("anna@example.org", "operator", NOW)
    said = "anna@example.org is unknown here"
    async with db.write() as session:
        if state == "planned":
            await messages.put_back(session, "m", 0, said, "other")
        else:
            await messages.record(session, "m", state, said, None, NOW)
    [row] = await world.rows(MessageRow)
    assert (row.state, row.reason) == (state, "")


async def test_nor_is_what_it_tells_days_later(db: Database) -> None:
    world = World(db)
    await sent(world, "m", state="accepted")
    await world.privacy.erase("anna@example.org", "operator", NOW)
    told = Event("e", Kind.HARD_BOUNCE, NOW, ("m",), reason="no mailbox anna@example.org")
    await world.feedback.take("resend", [told], NOW)
    [row] = await world.rows(MessageRow)
    assert (row.state, row.reason) == ("bounced", "")
