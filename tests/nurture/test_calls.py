"""A webhook step's receiver is told once the step is taken, until it has heard; on both databases."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

from nurture import calls
from nurture.calls import Calls
from nurture.delivery import outward
from nurture.delivery.sales.webhook import WebhookDesk
from nurture.domain.effects import CallWebhook
from nurture.domain.errors import Permanent, Transient
from nurture.ports import Notice
from nurture.store.database import Database
from nurture.store.tables import CallRow, EnrolmentRow
from tests.support.domain import DAY, NOW
from tests.support.playbook import PLAYBOOK
from tests.support.sales import SECRET
from tests.support.world import OneBook, World

URL = "https://crm.example/hook"


class Receiver:
    def __init__(self) -> None:
        self.heard: list[Notice] = []
        self.came = asyncio.Event()
        self.errors: list[Exception] = []

    async def deliver(self, notice: Notice) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.heard.append(notice)
        self.came.set()


class House:
    """A lead in a flow whose step has asked for a call."""

    def __init__(self, db: Database, webhooks: dict[str, str]) -> None:
        self.world = World(db, OneBook(replace(PLAYBOOK, webhooks=webhooks)))
        self.receiver, self.opened = Receiver(), list[str]()
        self.calls = Calls(db, self.world.shelf, self._desk, lambda: NOW)

    def _desk(self, url: str) -> Receiver:
        self.opened.append(url)
        return self.receiver

    async def ask(self) -> None:
        lead = await self.world.tell("form_submitted")
        [run] = await self.world.rows(EnrolmentRow)
        async with self.world.db.write() as session:
            flow = PLAYBOOK.flows[run.flow]
            await calls.ask(session, flow, run, lead, CallWebhook("tell-crm", "crm"), NOW)

    async def deliver(self, now: datetime) -> int:
        """How many were heard of what is due."""
        return sum(await asyncio.gather(*await self.calls.begin(now)))

    async def row(self) -> CallRow:
        [row] = await self.world.rows(CallRow)
        return row


async def house(db: Database, **webhooks: str) -> House:
    found = House(db, webhooks or {"crm": URL})
    await found.ask()
    return found


async def test_the_receiver_hears_which_lead_came_to_which_step_and_no_address(
    db: Database,
) -> None:
    found = await house(db)
    assert await found.deliver(NOW) == 1
    [notice] = found.receiver.heard
    assert found.opened == [URL]
    assert (notice.type, notice.data["flow"], notice.data["step"]) == (
        "lead.step.reached",
        "welcome",
        "tell-crm",
    )
    assert "@" not in str(notice.data)
    assert await found.deliver(NOW + DAY) == 0, "once"


async def test_a_receiver_that_is_down_is_told_later_under_the_same_id(db: Database) -> None:
    found = await house(db)
    found.receiver.errors = [Transient("503", retry_after=timedelta(minutes=10))]
    assert await found.deliver(NOW) == 0
    row = await found.row()
    assert (row.attempts, row.next_attempt_at) == (1, NOW + timedelta(minutes=10))
    assert await found.deliver(NOW + timedelta(minutes=9)) == 0
    assert await found.deliver(NOW + timedelta(minutes=10)) == 1
    assert [notice.id for notice in found.receiver.heard] == [row.id]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("https://hooks..example/in", "unreachable: nobody answers at the address"),
        ("https://crm.example:port/in", "a url in config/webhooks.yaml is not an address"),
    ],
)
async def test_an_address_that_nobody_can_call_is_tried_until_it_is_mended(
    db: Database, url: str, error: str
) -> None:
    """It came into force before anybody looked."""
    found = await house(db, crm=url)
    place = "a url in config/webhooks.yaml"
    async with httpx.AsyncClient(transport=outward.transport(())) as http:

        def desk(url: str) -> WebhookDesk:
            return WebhookDesk(http, url, [SECRET], lambda: NOW, place=place)

        found.calls = Calls(db, found.world.shelf, desk, lambda: NOW)
        assert await found.deliver(NOW) == 0
    row = await found.row()
    assert (row.error, row.attempts, row.dead_at) == (error, 1, None)


async def test_a_receiver_that_refuses_for_good_is_not_asked_again(db: Database) -> None:
    found = await house(db)
    found.receiver.errors = [Permanent("410", "gone")]
    await found.deliver(NOW)
    row = await found.row()
    assert (row.dead_at, row.next_attempt_at, row.error) == (NOW, None, "410: gone")


async def test_a_webhook_that_the_playbook_no_longer_names_is_given_up(db: Database) -> None:
    found = await house(db, other=URL)
    await found.deliver(NOW)
    assert "names no such webhook" in (await found.row()).error


async def test_what_a_dead_process_had_taken_is_tried_by_the_next(db: Database) -> None:
    found = await house(db)
    found.receiver.errors = [RuntimeError("killed")]
    with pytest.raises(RuntimeError, match="killed"):
        await found.deliver(NOW)
    assert await found.deliver(NOW + timedelta(seconds=3)) == 0
    assert await found.deliver(NOW + timedelta(seconds=4)) == 1


class Hanging:
    """Answers nobody until it is `over`."""

    def __init__(self) -> None:
        self.asked, self.over = 0, asyncio.Event()

    async def deliver(self, notice: Notice) -> None:
        self.asked += 1
        await self.over.wait()


@pytest.mark.parametrize("slots", [2, 20])
async def test_a_receiver_that_hangs_keeps_none_of_the_others_waiting(
    db: Database, slots: int
) -> None:
    found = await house(db, crm=URL, down="https://down.example/hook")
    row, down = await found.row(), Hanging()
    async with db.write() as session:
        for number in range(40):
            due = {"id": f"down-{number}", "endpoint": "down", "next_attempt_at": NOW - DAY}
            session.add(CallRow(**{**row.model_dump(), **due}))

    def desk(url: str) -> Hanging | Receiver:
        return found.receiver if url == URL else down

    stop = asyncio.Event()
    calls = Calls(db, found.world.shelf, desk, lambda: NOW, slots, timedelta(milliseconds=10))
    running = asyncio.create_task(calls.run(stop))
    await asyncio.wait_for(found.receiver.came.wait(), 10)
    assert 0 < down.asked <= slots / 2
    stop.set()
    down.over.set()
    await running


async def test_what_is_on_its_way_for_long_is_not_taken_for_dead(db: Database) -> None:
    found, slow = await house(db), Hanging()
    calls = Calls(db, found.world.shelf, lambda url: slow, lambda: NOW)
    [under_way] = await calls.begin(NOW)
    for seconds in range(2, 20, 2):
        await calls.keep(NOW + timedelta(seconds=seconds))
        assert await found.deliver(NOW + timedelta(seconds=seconds + 1)) == 0
    slow.over.set()
    assert await under_way
    await calls.keep(NOW + timedelta(seconds=20))
    row = await found.row()
    assert (slow.asked, row.attempts, row.next_attempt_at) == (1, 1, None)


async def test_what_came_of_a_call_meanwhile_stays(db: Database) -> None:
    """Its process was taken for dead, and another one was told to come back later."""
    found, slow = await house(db), Hanging()
    calls = Calls(db, found.world.shelf, lambda url: slow, lambda: NOW)
    [under_way] = await calls.begin(NOW)
    found.receiver.errors = [Transient("503")]
    later = NOW + timedelta(seconds=10)
    await found.deliver(later)
    again = (await found.row()).next_attempt_at
    await calls.keep(later)
    assert (await found.row()).next_attempt_at == again
    slow.over.set()
    assert await under_way


async def test_of_who_was_erased_while_the_call_was_on_its_way_nobody_is_told_again(
    db: Database,
) -> None:
    found = await house(db)

    async def erase(notice: Notice) -> None:
        await found.world.privacy.erase("anna@example.org", "operator", NOW)
        raise Transient("503")

    found.receiver.deliver = erase  # type: ignore[method-assign]
    await found.deliver(NOW)
    row = await found.row()
    assert (row.dead_at, row.next_attempt_at, row.error) == (NOW, None, "")
