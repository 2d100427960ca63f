"""Who is away is edited while sales has leads in hand."""

from datetime import datetime
from typing import cast

import pytest

from nurture.domain.sla import State
from nurture.incoming import Answer
from nurture.store import owned
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import WakeupRow
from nurture.versions.shelf import Shelf
from tests.support.domain import DAY, HOUR, NOW
from tests.support.small import SLA, SMALL
from tests.support.world import OneBook, World

AWAY = "{from: 2026-03-05, back: 2026-03-16}"
SHORTER = "{from: 2026-03-05, back: 2026-03-06}"
NONE = ""


class Floor:
    """Ida has one lead in hand, given to her at NOW with 48 hours; she is away soon after."""

    def __init__(self, db: Database) -> None:
        self.shelf = Shelf(db)
        self.world = World(db, cast(OneBook, self.shelf))

    async def apply(self, away: str, now: datetime) -> None:
        people = f"{{title: Sales, owners: [Ida], people: {{Ida: {{absent: [{away}]}}}}}}"
        sla = SMALL[SLA].replace("{title: Sales, owners: [Ida]}", people)
        chased = "contact: {within: 48 hours, remind_at: [50%], recycle_after: 1 day}"
        sla = sla.replace("contact: {within: 48 hours}", chased)
        await self.shelf.apply({**SMALL, SLA: sla}, "marketing", now)

    async def look(self, now: datetime) -> datetime | None:
        """What the handover's workflow does at that time; when it would look again."""
        async with self.world.outbox.write() as session:
            found = await owned.hold(session, HandoverRow, (await self.row()).id)
            assert found is not None
            book = await self.shelf.current(session)
            return await self.world.handovers.act(session, book, book, *found, now)

    async def row(self) -> HandoverRow:
        [row] = await self.world.rows(HandoverRow)
        assert isinstance(row, HandoverRow)
        return row

    async def woken(self) -> list[str]:
        return [row.key for row in await self.world.rows(WakeupRow) if row.kind == "handover"]


@pytest.fixture
async def floor(db: Database) -> Floor:
    floor = Floor(db)
    await floor.apply(AWAY, NOW)
    await floor.world.tell("page")
    await floor.world.desk.open("anna@example.org", "met at the fair", "Bo", NOW)
    await floor.world.outbox.drain()
    await floor.look(NOW)
    return floor


@pytest.mark.parametrize(
    ("away", "edited", "due"),
    [
        pytest.param(NONE, NOW + 12 * DAY, NOW + 13 * DAY, id="over and removed"),
        pytest.param(SHORTER, NOW + HOUR, NOW + 3 * DAY, id="shortened before"),
        pytest.param(SHORTER, NOW + 2 * DAY, NOW + 3 * DAY, id="shortened meanwhile"),
        pytest.param(NONE, NOW + HOUR, NOW + 2 * DAY, id="removed before"),
        pytest.param(NONE, NOW + 2 * DAY, NOW + 3 * DAY + 11 * HOUR, id="removed meanwhile"),
    ],
)
async def test_the_deadline_waits_for_what_has_been_of_an_absence_and_for_what_is_left_of_it(
    floor: Floor, away: str, edited: datetime, due: datetime
) -> None:
    assert (await floor.row()).due_at == NOW + 13 * DAY
    await floor.apply(away, edited)
    assert (await floor.row()).due_at == due
    await floor.look(edited)
    assert ((await floor.row()).due_at, (await floor.row()).state) == (due, "open")


async def test_a_lead_is_chased_as_soon_as_its_owner_is_back_earlier(floor: Floor) -> None:
    await floor.apply(SHORTER, NOW + HOUR)
    assert await floor.woken() == [(await floor.row()).id]
    assert await floor.look(NOW + HOUR) == NOW + DAY * 2


async def test_an_edit_that_moves_no_deadline_wakes_nobody(floor: Floor) -> None:
    await floor.apply(f"{AWAY}, {{from: 2026-08-01, back: 2026-08-02}}", NOW + HOUR)
    assert await floor.woken() == []


async def test_a_promise_that_was_kept_after_a_leave_stays_kept_without_the_leave_in_the_playbook(
    floor: Floor,
) -> None:
    back = NOW + 12 * DAY
    handover = (await floor.row()).id
    await floor.world.desk.answer(handover, Answer(State.LOST, back))
    await floor.apply(NONE, back + DAY)
    await floor.world.desk.answer(handover, Answer(State.WON, back + 2 * DAY, amount=5))
    sla = (await floor.world.reports.summary(back + 3 * DAY))["sla"]
    assert (sla["kept"], sla["broken"]) == (1, 0)
