"""A mail is on its way, or nobody heard of it, and its lead goes on meanwhile; on both databases."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from nurture.domain.errors import Unknown
from nurture.ports import Mail
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, MessageRow
from tests.support.domain import DAY
from tests.support.looks import Looks
from tests.support.small import FLOW, LAUNCH, SENDERS, SMALL
from tests.support.temporal import Postbox

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NO_ANSWER = Unknown("connection_lost", repeatable=True)
OTHER = FLOW.replace("flow: launch", "flow: other\npriority: 5").replace("welcome", "second")
TWO_FLOWS = {
    SENDERS: SMALL[SENDERS] + "cap: {mails: 1, within: 2 days}\n",
    "config/flows/other.yaml": OTHER,
    LAUNCH: FLOW,
}


@dataclass
class SlowPostbox(Postbox):
    """While it takes its first mail, something happens."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def send(self, mail: Mail) -> str:
        happens, self.meanwhile = self.meanwhile, None
        if happens:
            await happens()
        return await super().send(mail)


async def _held(looks: Looks) -> dict[str, str]:
    runs: list[EnrolmentRow] = await looks.world.rows(EnrolmentRow)
    return {run.flow: run.held for run in runs if run.ended is None}


async def test_of_two_mails_that_come_due_together_the_cap_lets_one_out(db: Database) -> None:
    box = SlowPostbox()
    looks = Looks(db, box=box)
    await looks.apply(TWO_FLOWS, NOW)
    launch, other = await looks.enter_all(NOW)
    box.meanwhile = lambda: looks.look(other, NOW)
    await looks.look(launch, NOW)
    assert (box.subjects, await _held(looks)) == (["Hello"], {"other": "frequency_cap"})
    await looks.look(other, NOW + 2 * DAY)
    assert box.subjects == ["Hello", "Second"]


async def test_a_mail_without_an_answer_keeps_its_place_under_the_cap_and_yields_to_nobody(
    db: Database,
) -> None:
    """It may be out already: whoever waits behind it, of whatever priority, goes after it."""
    looks = Looks(db)
    looks.box.known_for, looks.box.errors = DAY, [NO_ANSWER]
    await looks.apply(TWO_FLOWS, NOW)
    launch, other = await looks.enter_all(NOW)
    with pytest.raises(ApplicationError):
        await looks.look(launch, NOW)
    await looks.look(other, NOW + MINUTE)
    assert await _held(looks) == {"launch": "", "other": "frequency_cap"}
    await looks.look(launch, NOW + 2 * MINUTE)
    assert (looks.box.subjects, await _held(looks)) == (["Hello"], {"other": "frequency_cap"})


async def test_a_mail_that_was_on_its_way_when_its_run_ended_is_unknown(db: Database) -> None:
    looks = Looks(db)
    looks.box.known_for, looks.box.errors = DAY, [NO_ANSWER]
    await looks.apply({LAUNCH: FLOW.replace("enter:", "goal: stage == 'sql'\nenter:")}, NOW)
    run = await looks.enter(NOW)
    with pytest.raises(ApplicationError):
        await looks.look(run, NOW)
    async with db.write() as session:
        (await session.merge(await looks.lead())).stage = "sql"
    assert (await looks.look(run, NOW + MINUTE)).done
    [mail] = await looks.world.rows(MessageRow)
    assert (mail.state, mail.reason) == ("unknown", "its run ended while sending")
