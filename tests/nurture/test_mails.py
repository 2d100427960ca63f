"""Settling mails of which nobody knows whether they went out."""

import pytest

from nurture.domain.errors import InputError
from nurture.store import messages
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow
from tests.support.domain import DAY, NOW
from tests.support.mails import mail, sent
from tests.support.world import World


@pytest.fixture
async def world(db: Database) -> World:
    world = World(db)
    await sent(world, "lost", state="unknown", reason="connection_lost")
    await sent(world, "known", at=NOW + DAY)
    return world


async def test_mails_are_listed_with_their_states_the_latest_first(world: World) -> None:
    assert [row["id"] for row in await world.mails.list()] == ["known", "lost"]
    assert [row["id"] for row in await world.mails.list(state="unknown")] == ["lost"]
    assert await world.mails.list(flow="another") == []
    assert len(await world.mails.list(lead="anna@example.org", limit=1)) == 1
    assert await world.mails.counts() == {"accepted": 1, "unknown": 1}


@pytest.mark.parametrize("given", [{"state": "lost"}, {"lead": "nobody@example.org"}])
async def test_what_there_is_not_is_said(world: World, given: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"there is no such state|no lead goes"):
        await world.mails.list(**given)


async def test_a_mail_that_went_out_after_all_counts_as_sent(world: World) -> None:
    await world.mails.settle(["lost"], True, "Bo", NOW)
    row = await mail(world, "lost")
    assert (row.state, row.reason, row.sent_at) == ("accepted", "sent, says Bo", NOW)


@pytest.mark.parametrize(("attempt", "state"), [(1, "claimed"), (2, "planned")])
async def test_an_attempt_that_was_not_taken_leaves_the_mail_to_a_later_one(
    world: World, attempt: int, state: str
) -> None:
    await sent(world, "under-way", state="claimed", attempts=2, at=NOW + 2 * DAY)
    async with world.db.write() as session:
        await messages.put_back(session, "under-way", attempt, "not now", "second")
    assert (await mail(world, "under-way")).state == state


async def test_one_that_did_not_is_to_be_sent_once_more(world: World) -> None:
    world.alarm.woken.clear()
    await world.mails.settle(["lost"], False, "Bo", NOW)
    row = await mail(world, "lost")
    [run] = await world.rows(EnrolmentRow)
    assert (row.state, row.sent_at, run.again) == ("planned", None, ["lost"])
    await world.outbox.relay(NOW)
    assert world.alarm.woken == [("enrolment", run.id)]


async def test_whoever_is_mistaken_about_one_settles_none(world: World) -> None:
    for wrong in ("known", "nothing"):
        with pytest.raises(InputError, match="only unknown ones"):
            await world.mails.settle(["lost", wrong], True, "Bo", NOW)
    assert (await mail(world, "lost")).state == "unknown"
