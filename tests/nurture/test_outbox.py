"""However many leads are enrolled at once, what sales was promised is on time."""

import asyncio

from sqlalchemy import insert

from nurture.outbox import Outbox
from nurture.store import wakeups
from nurture.store.database import Database
from nurture.store.tables import WakeupRow
from tests.support.domain import DAY, HOUR, NOW
from tests.support.world import World


async def test_a_handover_that_was_left_behind_goes_before_a_mass_enrolment(db: Database) -> None:
    world = World(db)
    rows = [
        {"kind": kind, "key": f"{kind}-{number}", "created_at": due, "claimed_until": due}
        for kind, count, due in (("enrolment", 300, NOW - DAY), ("handover", 1, NOW - HOUR))
        for number in range(count)
    ]
    async with db.write() as session:
        await session.execute(insert(WakeupRow), rows)
    handed_over, _ = await world.relay.look()
    assert handed_over == wakeups.LEFT
    assert ("handover", "handover-0") in world.alarm.woken
    assert len(await world.rows(WakeupRow)) == 301 - wakeups.LEFT


class Slow:
    """A Temporal that has too much to do with enrolments."""

    def __init__(self) -> None:
        self.over, self.heard = asyncio.Event(), asyncio.Event()

    async def wake(self, kind: str, key: str, flow: str = "", sender: str = "") -> None:
        if kind == wakeups.ENROLMENT:
            await self.over.wait()
        self.heard.set()


async def test_nor_does_it_wait_for_the_enrolments_of_its_own_process(db: Database) -> None:
    temporal = Slow()
    outbox = Outbox(db, temporal)
    async with outbox.write() as session:
        for number in range(50):
            wakeups.add(session, wakeups.ENROLMENT, f"e{number}", NOW)
    async with outbox.write() as session:
        wakeups.add(session, wakeups.HANDOVER, "h", NOW)
    await asyncio.wait_for(temporal.heard.wait(), 10)
    temporal.over.set()
    await outbox.drain()
