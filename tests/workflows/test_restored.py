"""A backup is brought back while the mails of the days since then have long gone out."""

import sqlite3
from contextlib import closing
from pathlib import Path

from nurture.restoring import Restoring
from nurture.store import wakeups
from nurture.store.tables import EnrolmentRow, MessageRow
from tests.support.domain import DAY
from tests.support.temporal import Stage


def copy(source: Path, target: Path) -> None:
    """SQLite's own online backup."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


async def test_after_a_restore_no_mail_goes_out_twice_and_the_flow_goes_on(
    stage: Stage, tmp_path: Path
) -> None:
    live, backup = tmp_path / "stage.db", tmp_path / "backup.db"
    await stage.tell("form_submitted", traits={"first_name": "Anna"})
    await stage.pass_time(DAY)
    assert stage.mailer.subjects == ["hello Anna"]
    copy(live, backup)
    await stage.pass_time(3 * DAY)
    assert stage.mailer.subjects == ["hello Anna", "guide Anna"]

    copy(backup, live)
    await Restoring(stage.world.db, stage.world.shelf).doubt(await stage.now())
    [run] = await stage.world.rows(EnrolmentRow)
    await stage.waker.wake(wakeups.ENROLMENT, run.id)
    await stage.pass_time(20 * DAY)

    assert stage.mailer.subjects == ["hello Anna", "guide Anna", "last Anna"]
    states = {row.template: row.state for row in await stage.world.rows(MessageRow)}
    assert states == {"hello": "accepted", "guide": "unknown", "last": "accepted"}
