"""A mail step gets another name while leads are inside: no mail goes out twice; on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from nurture.domain.errors import Transient, Unknown
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, MessageRow
from tests.support.domain import DAY, HOUR
from tests.support.looks import Looks
from tests.support.small import FLOW, LAUNCH

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

REST = "  - wait: 10 days\n    id: rest\n"
HEAD, MAIL = FLOW.split("  - email: welcome\n")[0], "  - email: welcome\n"


def called(name: str, *was: str) -> str:
    return f"{MAIL}    id: {name}\n    was: [{', '.join(was)}]\n"


def flow(*steps: str) -> dict[str, str]:
    return {LAUNCH: HEAD + "".join(steps)}


@pytest.fixture
async def looks(db: Database) -> Looks:
    looks = Looks(db)
    await looks.apply(flow(MAIL, REST), NOW)
    return looks


async def test_a_mail_that_a_lead_got_is_not_sent_again_where_its_renamed_step_moved_to(
    looks: Looks,
) -> None:
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    await looks.apply(flow(REST, called("hello", "welcome")), NOW + DAY)
    assert (await looks.look(run, NOW + 11 * DAY)).done
    assert looks.box.subjects == ["Hello"]
    assert await looks.ledger() == [("hello", "accepted")]


async def test_nor_when_an_earlier_release_left_the_mail_under_its_old_name(
    looks: Looks, db: Database
) -> None:
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    await looks.apply(flow(called("hello", "welcome"), REST), NOW + DAY)
    await looks.look(run, NOW + 2 * DAY)
    async with db.write() as session:
        for row in await looks.world.rows(MessageRow):
            (await session.merge(row)).step = "welcome"
    await looks.apply(flow(REST, called("hello", "welcome")), NOW + 3 * DAY)
    await looks.look(run, NOW + 11 * DAY)
    assert looks.box.subjects == ["Hello"]


async def test_nor_when_the_new_name_is_taken_back(looks: Looks) -> None:
    await looks.apply(flow(REST, MAIL), NOW)
    await looks.apply(flow(called("hello", "welcome"), REST), NOW)
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    await looks.rollback(NOW + DAY)
    assert (await looks.look(run, NOW + 11 * DAY)).done
    assert looks.box.subjects == ["Hello"]
    assert await looks.ledger() == [("welcome", "accepted")]


async def test_nor_when_the_step_is_renamed_twice_and_only_the_last_name_is_kept(
    looks: Looks,
) -> None:
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    await looks.apply(flow(called("hello", "welcome"), REST), NOW + DAY)
    await looks.look(run, NOW + 2 * DAY)
    await looks.apply(flow(REST, called("greeting", "hello")), NOW + 3 * DAY)
    assert (await looks.look(run, NOW + 11 * DAY)).done
    assert looks.box.subjects == ["Hello"]


async def test_two_mails_that_a_lead_got_may_become_one_step(looks: Looks) -> None:
    second = "  - wait: 1 hour\n  - email: second\n"
    await looks.apply(flow(MAIL, second, REST), NOW)
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    await looks.look(run, NOW + HOUR)
    await looks.apply(flow(called("both", "welcome", "second"), REST), NOW + 2 * HOUR)
    await looks.look(run, NOW + 3 * HOUR)
    assert (await looks.look(run, NOW + 11 * DAY)).done
    assert looks.box.subjects == ["Hello", "Second"]
    assert await looks.ledger() == [("both", "accepted"), ("second", "accepted")]


async def test_a_mail_without_an_answer_is_asked_for_under_its_own_id_when_its_step_is_renamed(
    looks: Looks,
) -> None:
    """The provider has it, and knows it by that id: it goes out once."""
    looks.box.known_for = DAY
    looks.box.errors = [Unknown("connection_lost", repeatable=True)]
    run = await looks.enter(NOW)
    with pytest.raises(ApplicationError):
        await looks.look(run, NOW)
    [claimed] = await looks.world.rows(MessageRow)
    await looks.apply(flow(called("hello", "welcome"), REST), NOW)
    await looks.look(run, NOW + MINUTE)
    assert [mail.id for mail in looks.box.got] == [claimed.id]
    assert await looks.ledger() == [("hello", "accepted")]


async def test_a_mail_that_was_not_taken_is_sent_by_the_new_name_of_its_step(looks: Looks) -> None:
    looks.box.errors = [Transient("no_connection")]
    run = await looks.enter(NOW)
    with pytest.raises(ApplicationError):
        await looks.look(run, NOW)
    await looks.apply(flow(called("hello", "welcome"), REST), NOW)
    await looks.look(run, NOW + MINUTE)
    assert (looks.box.subjects, await looks.ledger()) == (["Hello"], [("hello", "accepted")])


async def test_a_mail_on_its_way_whose_step_is_deleted_is_unknown(looks: Looks) -> None:
    looks.box.known_for = DAY
    looks.box.errors = [Unknown("connection_lost", repeatable=True)]
    run = await looks.enter(NOW)
    with pytest.raises(ApplicationError):
        await looks.look(run, NOW)
    await looks.apply(flow(REST), NOW)
    await looks.look(run, NOW + MINUTE)
    assert (looks.box.got, await looks.ledger()) == ([], [("welcome", "unknown")])


async def test_a_mail_that_did_not_go_out_is_sent_once_more_though_its_step_was_renamed(
    looks: Looks,
) -> None:
    looks.box.errors = [Unknown("connection_lost")]
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    [lost] = await looks.world.rows(MessageRow)
    await looks.apply(flow(called("hello", "welcome"), REST), NOW)
    await looks.world.mails.settle([lost.id], False, "Bo", NOW + DAY)
    await looks.look(run, NOW + DAY)
    [run] = await looks.world.rows(EnrolmentRow)
    assert ([mail.id for mail in looks.box.got], run.again) == ([lost.id], [])
