"""A backup is brought back while the mails of the days since then have long gone out."""

import sqlite3
from contextlib import closing
from pathlib import Path

from nurture.domain.calendar import Span
from nurture.domain.errors import Unknown
from nurture.domain.flow import Act, Email, Flow, Goto, HandOver, Wait
from nurture.domain.sla import State
from nurture.domain.steps import Step
from nurture.incoming import Answer
from nurture.playbook import Playbook
from nurture.store import wakeups
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import EnrolmentRow, MessageRow
from nurture.upkeep.restoring import Restoring
from tests.support.domain import DAY, HOUR
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.temporal import Stage


def copy(source: Path, target: Path) -> None:
    """SQLite's own online backup."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


class Backup:
    """Of the stage's database as it is now."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage, self._live, self._kept = stage, folder / Stage.FILE, folder / "backup.db"
        copy(self._live, self._kept)

    async def bring_back(self) -> None:
        copy(self._kept, self._live)
        world = self._stage.world
        await Restoring(world.db, world.shelf).doubt(await self._stage.now())

    async def go_on(self) -> None:
        """Every workflow looks, as upkeep and workers make them."""
        for run in await self._stage.world.rows(EnrolmentRow):
            await self._stage.waker.wake(wakeups.ENROLMENT, run.id)
        for row in await self._stage.world.rows(HandoverRow):
            await self._stage.waker.wake(wakeups.HANDOVER, row.id)
        await self._stage.pass_time(20 * DAY)


async def test_after_a_restore_no_mail_goes_out_twice_and_the_flow_goes_on(
    stage: Stage, tmp_path: Path
) -> None:
    await stage.tell("form_submitted", traits={"first_name": "Anna"})
    await stage.pass_time(DAY)
    assert stage.mailer.subjects == ["hello Anna"]
    backup = Backup(stage, tmp_path)
    await stage.pass_time(3 * DAY)
    assert stage.mailer.subjects == ["hello Anna", "guide Anna"]

    await backup.bring_back()
    await backup.go_on()

    assert stage.mailer.subjects == ["hello Anna", "guide Anna", "last Anna"]
    assert await states(stage) == {
        "hello": "accepted",
        "guide": "unknown",
        "last": "accepted",
        "comeback": "unknown",  # who clicked was handed over, and may have been given back
    }


BEFORE_ANOTHER: dict[str, Step] = {
    "hello": Email("hello", next="rest"),
    "rest": Wait(Span(3 * DAY), next="on"),
    "on": Goto("win-back"),
}
BEFORE_SALES: dict[str, Step] = {
    "hello": Email("hello", next="rest"),
    "rest": Wait(Span(3 * DAY), next="sales"),
    "sales": Act(HandOver("is warm")),
}


async def test_a_mail_of_the_flow_that_a_lead_went_on_to_does_not_go_out_twice(
    stage: Stage, tmp_path: Path
) -> None:
    backup = await _restored_before_the_comeback(stage, tmp_path, BEFORE_ANOTHER)
    await backup.go_on()
    assert stage.mailer.subjects == ["hello", "comeback"]
    assert await states(stage) == {"hello": "accepted", "comeback": "unknown"}
    [mail] = [row for row in await stage.world.rows(MessageRow) if row.template == "comeback"]
    [run] = [row for row in await stage.world.rows(EnrolmentRow) if row.flow == "win-back"]
    assert (mail.enrolment_id, mail.step, run.ended) == (run.id, "comeback", "finished")


async def test_whoever_knows_that_it_did_not_go_out_has_it_sent_once_the_lead_comes_there(
    stage: Stage, tmp_path: Path
) -> None:
    backup = await _restored_before_the_comeback(stage, tmp_path, BEFORE_ANOTHER)
    [mail] = [row for row in await stage.world.rows(MessageRow) if row.template == "comeback"]
    await stage.world.mails.settle([mail.id], False, "Bo", await stage.now())
    await backup.go_on()
    assert stage.mailer.subjects == ["hello", "comeback", "comeback"]
    assert await states(stage) == {"hello": "accepted", "comeback": "accepted"}


async def test_a_mail_to_a_lead_whom_sales_gave_back_does_not_go_out_twice(
    stage: Stage, tmp_path: Path
) -> None:
    """It had not been handed over when the backup was made."""
    backup = await _three_days_after_a_backup(stage, tmp_path, BEFORE_SALES)
    await _give_back(stage)
    assert stage.mailer.subjects == ["hello", "comeback"]
    await backup.bring_back()
    await backup.go_on()
    assert stage.mailer.subjects == ["hello", "comeback"]
    assert await states(stage) == {"hello": "accepted", "comeback": "unknown"}


async def test_a_mail_to_a_lead_that_sales_had_in_hand_does_not_go_out_twice(
    stage: Stage, tmp_path: Path
) -> None:
    stage.book.book = _book(BEFORE_SALES)
    await stage.tell("form_submitted")
    await stage.pass_time(4 * DAY)
    backup = Backup(stage, tmp_path)
    await _give_back(stage)
    assert stage.mailer.subjects == ["hello", "comeback"]
    await backup.bring_back()
    await backup.go_on()  # nobody answers, so the agreement itself gives the lead back
    assert "lead.handover.recycled" in stage.sales.heard
    assert stage.mailer.subjects == ["hello", "comeback"]


async def test_a_mail_that_was_to_be_sent_once_more_is_not_when_it_may_have_been(
    stage: Stage, tmp_path: Path
) -> None:
    stage.book.book = _book({"hello": Email("hello")})
    stage.mailer.errors = [Unknown("connection_lost")]
    await stage.tell("form_submitted")
    await stage.pass_time(HOUR)
    [mail] = await stage.world.rows(MessageRow)
    [run] = await stage.world.rows(EnrolmentRow)
    assert (mail.state, run.ended) == ("unknown", "finished")
    await stage.world.mails.settle([mail.id], False, "Bo", await stage.now())
    backup = Backup(stage, tmp_path)
    await stage.waker.wake(wakeups.ENROLMENT, run.id)
    await stage.pass_time(HOUR)
    assert stage.mailer.subjects == ["hello"]
    await backup.bring_back()
    assert await states(stage) == {"hello": "unknown"}
    await backup.go_on()
    assert stage.mailer.subjects == ["hello"]


async def states(stage: Stage) -> dict[str, str]:
    return {row.template: row.state for row in await stage.world.rows(MessageRow)}


def _book(steps: dict[str, Step]) -> Playbook:
    flow = Flow("welcome", "Welcome", steps, "hello")
    return playbook(flows={**PLAYBOOK.flows, "welcome": flow})


async def _three_days_after_a_backup(stage: Stage, folder: Path, steps: dict[str, Step]) -> Backup:
    stage.book.book = _book(steps)
    await stage.tell("form_submitted")
    await stage.pass_time(DAY)
    backup = Backup(stage, folder)
    await stage.pass_time(3 * DAY)
    return backup


async def _restored_before_the_comeback(
    stage: Stage, folder: Path, steps: dict[str, Step]
) -> Backup:
    backup = await _three_days_after_a_backup(stage, folder, steps)
    assert stage.mailer.subjects == ["hello", "comeback"]
    await backup.bring_back()
    return backup


async def _give_back(stage: Stage) -> None:
    [row] = await stage.world.rows(HandoverRow)
    answer = Answer(state=State.REJECTED, at=await stage.now(), reason="no budget")
    await stage.world.desk.answer(row.id, answer)
    await stage.pass_time(DAY)
