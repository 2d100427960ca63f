"""Many who come into a flow together: who begins when, and who waits behind nobody; on both databases."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from sqlalchemy import update
from sqlmodel import col

from nurture.crowd import AT_ONCE, LET_IN
from nurture.domain.gate import MailRules
from nurture.incoming import Incoming
from nurture.outbox import Outbox
from nurture.store import enrolments, wakeups
from nurture.store.backlog import backlog
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, WakeupRow
from nurture.upkeep.relay import Relay
from tests.support.domain import DAY, HOUR, NOW
from tests.support.playbook import PLAYBOOK
from tests.support.world import OneBook, World

LATER = NOW + HOUR
"""Everybody's turn has come."""


async def crowd(world: World, number: int) -> list[EnrolmentRow]:
    """So many who are told of in one request; their runs in the order of their turns."""
    people = [
        Incoming(message_id=f"c{n}", at=NOW, email=f"l{n}@example.org", touch="form_submitted")
        for n in range(number)
    ]
    await world.intake.take("site", people, NOW)
    await world.outbox.drain()
    world.alarm.woken.clear()
    return sorted(await world.rows(EnrolmentRow), key=lambda run: run.started_at)


async def look_at(world: World, runs: Sequence[str]) -> None:
    async with world.db.write() as session:
        its = col(EnrolmentRow.id).in_(runs)
        await session.execute(update(EnrolmentRow).where(its).values(wake_at=LATER + DAY))


async def test_of_a_crowd_only_the_first_begin_at_once(db: Database) -> None:
    world = World(db)
    starts = [run.started_at for run in await crowd(world, 40)]
    assert starts.count(NOW) == AT_ONCE
    assert starts[AT_ONCE] <= NOW + 2 * enrolments.SOON
    turns = pairwise(starts[AT_ONCE:])
    assert all(later - earlier == wakeups.SPACING for earlier, later in turns), "the others in turn"


async def test_who_comes_alone_passes_a_crowd(db: Database) -> None:
    world = World(db)
    await crowd(world, 40)
    await world.tell("form_submitted", email="alone@example.org")
    assert world.alarm.kinds() == ["enrolment"]


async def test_nobody_waits_behind_a_crowd_for_a_mail_that_was_asked_for(db: Database) -> None:
    asked_for = replace(PLAYBOOK.flows["welcome"], mail=MailRules(transactional=True))
    book = replace(PLAYBOOK, flows={**PLAYBOOK.flows, "welcome": asked_for})
    runs = await crowd(World(db, OneBook(book)), 40)
    assert {run.started_at for run in runs} == {NOW}


async def test_no_more_are_let_in_than_somebody_looks_at(db: Database) -> None:
    world = World(db)
    await crowd(world, 40)
    assert await world.outbox.relay(LATER) == LET_IN
    assert await world.outbox.relay(LATER) == 0, "nobody has looked at them yet"
    first, second, *_ = [run for _, run in world.alarm.woken]
    await look_at(world, [first, second])
    assert await world.outbox.relay(LATER) == 2
    assert await world.outbox.relay(LATER + wakeups.LEASE) == LET_IN, "none waits for a dead worker"
    assert len({*world.alarm.woken}) == 2 * LET_IN + 2


async def test_a_sender_who_may_send_little_holds_up_no_other(db: Database) -> None:
    world = World(db)
    *_, last = await crowd(world, 40)
    async with db.write() as session:
        its = col(WakeupRow.key) == last.id
        await session.execute(update(WakeupRow).where(its).values(sender="another"))
    assert await world.outbox.relay(LATER) == LET_IN
    assert await world.outbox.relay(LATER) == 1
    assert world.alarm.woken[-1] == ("enrolment", last.id)


async def test_whoever_is_woken_before_its_turn_is_none_of_a_crowd(db: Database) -> None:
    """As by an edit of its flow: such wake-ups come ten a second anyway."""
    world = World(db)
    await crowd(world, 40)
    async with db.write() as session:
        await session.execute(update(EnrolmentRow).values(started_at=LATER, wake_at=LATER))
    before = LATER - HOUR / 2
    assert await world.outbox.relay(before) == 40 - AT_ONCE


async def test_a_crowd_that_waits_is_no_wake_up_that_is_late(db: Database) -> None:
    world = World(db)
    await crowd(world, 40)
    async with db.read() as session:
        late = await backlog(session, LATER)
    assert late["wakeups"].number == 0
    assert late["enrolments"].number == 40, "they are late as what they are"


class Looking:
    """A Temporal whose worker looks at whoever it is told of; `all_` once it was told of so many."""

    def __init__(self, db: Database, number: int) -> None:
        self._db, self._number = db, number
        self._told = set[str]()
        self.all_ = asyncio.Event()

    async def wake(self, kind: str, key: str, flow: str = "", sender: str = "") -> None:
        async with self._db.write() as session:
            its = col(EnrolmentRow.id) == key
            await session.execute(update(EnrolmentRow).where(its).values(wake_at=None))
        self._told.add(key)
        if len(self._told) == self._number:
            self.all_.set()


async def test_the_next_do_not_wait_for_the_relays_next_round(db: Database) -> None:
    world = World(db)
    await crowd(world, 25)
    temporal, stop = Looking(db, 25 - AT_ONCE), asyncio.Event()
    outbox = Outbox(db, temporal)
    relay = Relay(outbox, world.shelf, world.reactions, lambda: LATER, pause=HOUR)
    running = asyncio.create_task(relay.run(stop))
    await asyncio.wait_for(temporal.all_.wait(), 10)
    stop.set()
    await running
