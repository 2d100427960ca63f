"""Editing the playbook with leads in flight, on both databases."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import cast

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from nurture.domain.errors import InputError, PlaybookError
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, PlaybookInForceRow, WakeupRow
from nurture.versions import live_edits
from nurture.versions.shelf import Plan, Shelf
from tests.support.domain import DAY, NOW
from tests.support.small import FLOW, LAUNCH, SMALL
from tests.support.world import OneBook, World

STEPS = """\
  - wait: 10 days
    id: rest
  - email: welcome
  - wait: 5 days
    id: after
  - tag: {add: through}
"""
LONG = FLOW.replace("  - email: welcome\n", STEPS)
RENAMED = LONG.replace("flow: launch", "flow: liftoff\nwas: launch")
AGAIN = LONG.replace("{on: form_submitted}", "{on: form_submitted, again: after 3 days}")


class Room:
    """A world whose playbook is edited as files."""

    def __init__(self, db: Database) -> None:
        self.shelf = Shelf(db)
        self.world = World(db, cast(OneBook, self.shelf))

    async def apply(self, flow: str = LONG, now: datetime = NOW, **more: str) -> None:
        await self.shelf.apply(self.files(flow, **more), "ida", now)

    async def plan(self, flow: str, now: datetime = NOW, **more: str) -> Plan:
        return await self.shelf.plan(self.files(flow, **more), now)

    def files(self, flow: str, **more: str) -> Mapping[str, str]:
        return {**SMALL, LAUNCH: flow, **{f"config/flows/{k}.yaml": v for k, v in more.items()}}

    async def enter(self, *names: str, ago: int = 0) -> None:
        """So many leads come into the flow, so many days ago."""
        for name in names:
            await self.world.tell("form_submitted", email=f"{name}@example.org", at=NOW - ago * DAY)
        async with self.world.db.write() as session:
            await session.execute(update(WakeupRow).values(key="old"))
            await session.commit()

    async def woken(self) -> list[WakeupRow]:
        """The wake-ups that an edit spread, in their order."""
        rows = [row for row in await self.world.rows(WakeupRow) if row.key != "old"]
        return sorted(rows, key=lambda row: row.claimed_until)


@pytest.fixture
async def room(db: Database) -> Room:
    room = Room(db)
    await room.apply(now=NOW - 90 * DAY)
    return room


async def test_the_plan_says_how_many_stand_where_and_what_becomes_of_them(room: Room) -> None:
    await room.enter("anna", "bo", ago=4)
    await room.enter("carla", ago=1)
    plan = await room.plan(LONG.replace("10 days", "3 days"))
    [change] = plan.difference.flows
    assert change.changes == ("step rest: wait 10 days → wait 3 days",)
    assert [(found.step, found.leads, found.fate) for found in plan.affected] == [
        ("rest", 2, "goes on now, its wait is over"),
        ("rest", 1, "waits less long"),
    ]
    assert await room.woken() == [], "a plan changes nothing"


async def test_leads_that_an_edit_wakes_come_one_after_another(room: Room) -> None:
    await room.enter("anna", "bo", "carla", "dan", ago=4)
    await room.apply(LONG.replace("10 days", "3 days"))
    due = [row.claimed_until for row in await room.woken()]
    assert len(due) == 4
    assert due == sorted(set(due)), "no two at once"
    assert due[0] == NOW


async def test_the_relay_wakes_each_when_its_turn_has_come(room: Room) -> None:
    await room.enter("anna", "bo", ago=4)
    await room.apply(LONG.replace("10 days", "3 days"))
    room.world.alarm.woken.clear()
    first = (await room.woken())[0]
    await room.world.outbox.relay(first.claimed_until)
    assert ("enrolment", first.key) in room.world.alarm.woken
    assert len([key for _, key in room.world.alarm.woken if key != "old"]) == 1


@pytest.mark.parametrize(
    "edit",
    [
        LONG.replace("10 days", "30 days"),
        LONG.replace("  - email: welcome\n", "  - tag: {add: new}\n  - email: welcome\n"),
        LONG.replace("title: Launch", "title: Other"),
    ],
    ids=["lengthened", "inserted", "titled"],
)
async def test_an_edit_that_changes_nothing_now_wakes_nobody(room: Room, edit: str) -> None:
    await room.enter("anna", ago=4)
    await room.apply(edit)
    assert await room.woken() == []


async def test_every_application_keeps_who_when_and_what(room: Room) -> None:
    await room.apply(LONG.replace("10 days", "3 days"), now=NOW)
    rows = await room.world.rows(PlaybookInForceRow)
    last = max(rows, key=lambda row: row.id)
    assert (last.by, last.at) == ("ida", NOW)
    assert last.changes == ["flow launch: step rest: wait 10 days → wait 3 days"]


async def test_a_playbook_with_a_mistake_in_a_mail_changes_nothing(room: Room) -> None:
    broken = {**room.files(LONG), "templates/email/welcome/subject.txt": "Hi {{ lead.frist_name }}"}
    with pytest.raises(PlaybookError, match="frist_name"):
        await room.shelf.apply(broken, "ida", NOW)
    assert len(await room.world.rows(PlaybookInForceRow)) == 1


async def test_a_rollback_puts_the_version_before_back_in_force(room: Room) -> None:
    async with room.world.db.read() as session:
        first = await room.shelf.current(session)
    await room.apply(LONG.replace("10 days", "3 days"))
    assert (await room.shelf.rollback("bo", NOW)).hash == first.hash
    again = await room.shelf.rollback("bo", NOW)
    assert again.hash != first.hash, "back and forth"


async def test_there_is_nothing_to_go_back_to_at_first(room: Room) -> None:
    with pytest.raises(InputError, match="no earlier playbook"):
        await room.shelf.rollback("bo", NOW)


async def test_a_renamed_flow_takes_its_leads_along_and_back(room: Room) -> None:
    await room.enter("anna", ago=1)
    plan = await room.plan(RENAMED)
    [change] = plan.difference.flows
    assert (change.before, change.flow, change.changes) == (
        "launch",
        "liftoff",
        ("renamed from launch",),
    )
    await room.apply(RENAMED)
    assert [row.flow for row in await room.world.rows(EnrolmentRow)] == ["liftoff"]
    await room.shelf.rollback("bo", NOW)
    assert [row.flow for row in await room.world.rows(EnrolmentRow)] == ["launch"]


@asynccontextmanager
async def under_way(room: Room) -> AsyncIterator[tuple[AsyncSession, EnrolmentRow]]:
    """The only run that is."""
    async with room.world.db.write() as session:
        query = select(EnrolmentRow).where(col(EnrolmentRow.ended).is_(None))
        yield session, (await session.execute(query)).scalar_one()


async def begun_meanwhile(room: Room, flow: str) -> None:
    """The run was written by who did not know yet that its flow is called otherwise now."""
    async with under_way(room) as (_, run):
        run.flow, run.ordinal = flow, 1


async def looked_at(room: Room) -> EnrolmentRow:
    async with under_way(room) as (session, run):
        playbook = await room.shelf.current(session)
        await live_edits.book_of(session, room.shelf.version, playbook, run, NOW)
    return run


async def test_a_lead_that_came_in_while_its_flow_was_renamed_goes_on_in_it(room: Room) -> None:
    await room.enter("anna", ago=1)
    await room.apply(RENAMED)
    await begun_meanwhile(room, "launch")
    run = await looked_at(room)
    assert (run.flow, run.ended, run.step) == ("liftoff", None, "rest")
    await room.shelf.rollback("bo", NOW)
    await begun_meanwhile(room, "liftoff")
    run = await looked_at(room)
    assert (run.flow, run.ended) == ("launch", None), "also when the renaming is taken back"


async def test_it_does_not_come_in_once_more_before_its_first_look(room: Room) -> None:
    await room.enter("anna", ago=1)
    await room.apply(RENAMED)
    await begun_meanwhile(room, "launch")
    await room.enter("anna")
    assert [row.flow for row in await room.world.rows(EnrolmentRow)] == ["launch"]


async def test_it_stands_behind_what_the_lead_had_by_the_new_name(room: Room) -> None:
    await room.apply(AGAIN)
    await room.enter("anna", ago=9)
    async with room.world.db.write() as session:
        await session.execute(update(EnrolmentRow).values(ended="finished", ended_at=NOW))
    await room.enter("anna", ago=1)
    await room.apply(AGAIN.replace("flow: launch", "flow: liftoff\nwas: launch"))
    await begun_meanwhile(room, "launch")
    assert (await looked_at(room)).flow == "liftoff"
    rows = await room.world.rows(EnrolmentRow)
    assert sorted((row.flow, row.ordinal) for row in rows) == [("liftoff", 1), ("liftoff", 2)]


async def test_a_new_flow_may_take_the_name_that_another_had(room: Room) -> None:
    """Runs of the other keep ids that were made of that name."""
    await room.enter("anna", ago=1)
    await room.apply(RENAMED)
    await room.apply(RENAMED.replace("was: launch\n", ""), other=FLOW)
    await room.enter("anna")
    rows = await room.world.rows(EnrolmentRow)
    assert sorted(row.flow for row in rows) == ["launch", "liftoff"]


async def test_who_waits_for_its_date_goes_on_as_planned_where_its_flow_enters_on_none(
    room: Room,
) -> None:
    dates = {"config/traits.yaml": SMALL["config/traits.yaml"] + "trial_ends: date\n"}
    dated = FLOW.replace("form_submitted", "date, date: {trait: trial_ends}")
    await room.shelf.apply({**SMALL, **dates, LAUNCH: dated}, "ida", NOW)
    await room.world.tell(traits={"trial_ends": (NOW + 9 * DAY).isoformat()})
    plan = await room.shelf.plan({**SMALL, **dates, LAUNCH: FLOW}, NOW)
    assert [(found.step, found.fate) for found in plan.affected] == [
        ("entry-date", "goes on with welcome")
    ]
    await room.shelf.apply({**SMALL, **dates, LAUNCH: FLOW}, "ida", NOW)
    run = await looked_at(room)
    assert (run.step, run.ended) == ("welcome", None)


async def test_leads_of_a_removed_flow_are_woken_to_leave(room: Room) -> None:
    await room.enter("anna", ago=1)
    other = FLOW.replace("flow: launch", "flow: other").replace("form_submitted", "page")
    plan = await room.plan(other)
    assert [found.fate for found in plan.affected] == ["leaves: the flow is gone"]
    await room.apply(other)
    assert len(await room.woken()) == 1


async def test_who_finishes_the_old_version_is_left_alone_by_later_edits_too(room: Room) -> None:
    await room.enter("anna", ago=4)
    shorter = LONG.replace("10 days", "3 days")
    await room.apply(shorter + "in_flight: finish_old\n")
    await room.apply(shorter.replace("5 days", "1 day") + "in_flight: finish_old\n")
    assert await room.woken() == []
