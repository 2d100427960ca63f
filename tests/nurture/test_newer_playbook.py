"""A newer release's playbook is in force while processes of this one go on, and the way back from it."""

from collections.abc import Mapping
from typing import cast

import pytest
from sqlalchemy import update

from nurture.domain.errors import Unreadable
from nurture.domain.renaming import succeeding, told
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.planning import UNREAD
from nurture.store.audience_tables import AudienceRow
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, PlaybookInForceRow, WakeupRow
from nurture.versions import live_edits
from nurture.versions.shelf import Shelf
from tests.support import newer
from tests.support.domain import NOW
from tests.support.small import FLOW, LAUNCH, SMALL
from tests.support.world import OneBook, World

REST = FLOW.replace("  - email", "  - wait: 10 days\n    id: rest\n  - email")
OURS = {**SMALL, LAUNCH: REST}
THEIRS = {**OURS, LAUNCH: REST.replace("id: rest", "id: nap")}


class Room:
    def __init__(self, db: Database) -> None:
        self.shelf = Shelf(db)
        self.world = World(db, cast(OneBook, self.shelf))

    async def newer(self, texts: Mapping[str, str] = OURS) -> None:
        await newer.put_in_force(self.world.db, texts, LAUNCH)

    async def came_in(self) -> None:
        """Of two leads in the flow one entered with the newer release."""
        for name in ("anna", "bo"):
            await self.world.tell("form_submitted", email=f"{name}@example.org")
        await self.newer(THEIRS)
        [latest] = [r for r in await self.world.rows(PlaybookInForceRow) if r.by == "next"]
        anna, _ = await self.world.rows(EnrolmentRow)
        async with self.world.db.write() as session:
            query = update(EnrolmentRow).where(EnrolmentRow.id == anna.id)
            await session.execute(query.values(playbook=latest.hash, step="nap"))
            await session.execute(update(WakeupRow).values(key="old"))

    async def looked_at(self) -> list[tuple[str | None, str | None]]:
        """Where each of the runs stands, and why it ended, once it was looked at."""
        for row in await self.world.rows(EnrolmentRow):
            async with self.world.db.write() as session:
                run = await session.get_one(EnrolmentRow, row.id)
                book = await self.shelf.current(session)
                await live_edits.book_of(session, self.shelf.version, book, run, NOW)
        return [(run.step, run.ended) for run in await self.world.rows(EnrolmentRow)]


@pytest.fixture
async def room(db: Database) -> Room:
    room = Room(db)
    await room.shelf.apply(OURS, "ida", NOW)
    return room


async def test_it_is_named_by_its_place_and_waited_for(room: Room) -> None:
    await room.newer()
    for _ in range(2):
        async with room.world.db.read() as session:
            with pytest.raises(Unreadable) as raised:
                await room.shelf.current(session)
        assert f"needs a newer release of nurture than this one ({LAUNCH}:8:1)" in str(raised.value)
        assert newer.LINE not in str(raised.value)
        assert raised.value.__cause__ is None, "its lines would stand in Temporal's history"


async def test_a_plan_says_that_flows_cannot_be_compared(room: Room) -> None:
    await room.newer()
    plan = await room.shelf.plan(OURS, NOW)
    assert plan.difference.files == (UNREAD,)
    assert (plan.difference.flows, plan.before) == ((), None)


async def test_the_release_before_puts_its_own_back_in_force(room: Room) -> None:
    await room.came_in()
    assert await room.shelf.unread()
    await room.shelf.apply(OURS, "ida", NOW)
    assert not await room.shelf.unread()
    woken = {row.key for row in await room.world.rows(WakeupRow)} - {"old"}
    assert woken == {run.id for run in await room.world.rows(EnrolmentRow)}, "all look anew"
    [*_, last] = await room.world.rows(PlaybookInForceRow)
    assert last.changes == [UNREAD]


async def test_a_rollback_leads_back_too(room: Room) -> None:
    await room.newer()
    async with room.world.db.read() as session:
        assert (await room.shelf.rollback("ida", NOW)).hash == (
            await room.shelf.current(session)
        ).hash


async def test_whose_step_only_the_newer_one_has_leaves_and_others_go_on(room: Room) -> None:
    await room.came_in()
    await room.shelf.apply(OURS, "ida", NOW)
    assert sorted(await room.looked_at(), key=str) == [("nap", "step_removed"), ("rest", None)]


async def test_who_stands_at_a_step_that_both_have_goes_on(room: Room) -> None:
    await room.came_in()
    async with room.world.db.write() as session:
        await session.execute(update(EnrolmentRow).values(step="rest"))
    await room.shelf.apply(OURS, "ida", NOW)
    assert await room.looked_at() == [("rest", None), ("rest", None)]


async def test_what_the_newer_one_renamed_goes_by_both_names_back_and_forward_again(
    room: Room,
) -> None:
    renamed = {**OURS, LAUNCH: REST.replace("id: rest", "id: nap\n    was: rest")}
    names = told(succeeding(compile_playbook(OURS).flows, compile_playbook(renamed).flows))
    await room.came_in()
    await newer.put_in_force(room.world.db, renamed, LAUNCH, names)
    await room.shelf.apply(OURS, "ida", NOW)
    assert await room.looked_at() == [("rest", None), ("rest", None)]
    await room.shelf.apply(THEIRS, "ida", NOW)
    assert await room.looked_at() == [("nap", None), ("nap", None)]


async def test_no_rollback_leads_to_what_only_the_newer_release_reads(room: Room) -> None:
    await room.newer()
    await room.shelf.apply(OURS, "ida", NOW)
    with pytest.raises(Unreadable, match="start that one, or put another playbook in force"):
        await room.shelf.rollback("ida", NOW)


async def test_a_list_that_only_the_newer_one_has_is_looked_at(room: Room) -> None:
    await room.newer()
    async with room.world.db.write() as session:
        session.add(AudienceRow(name="theirs", platform="meta", external_id="2"))
    await room.shelf.apply(OURS, "ida", NOW)
    assert "theirs" in {row.key for row in await room.world.rows(WakeupRow)}
