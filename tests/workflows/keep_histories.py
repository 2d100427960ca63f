"""Writes the kept histories anew: `python -m tests.workflows.keep_histories`. Only when a workflow changed on purpose.

They hold ids and times only, since nothing else ever enters Temporal.
"""

import asyncio
import re
import tempfile
from pathlib import Path

from activities.contract import Reconcile
from embedded.skipping import skipping_server
from nurture.domain import keys
from nurture.domain.errors import Transient
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import EnrolmentRow
from tests.support.domain import DAY, HOUR
from tests.support.reporting import reporting_playbook
from tests.support.temporal import Stage, dev_server
from workflows.schedules import UPKEEP
from workflows.send_report import SendReport
from workflows.upkeep import Upkeep

_IDENTITY = re.compile(r'"\d+@[^"]*"')
"""Process and machine: of a worker, and in the name of its own queue."""

FOLDER = Path(__file__).parent / "histories"


async def record() -> dict[str, str]:
    """One history of each workflow: with timers that fired, a signal while asleep, and an end."""
    environment = await skipping_server()
    with tempfile.TemporaryDirectory() as folder:
        async with environment, Stage.open(environment, Path(folder)) as stage:
            await stage.tell("form_submitted", traits={"first_name": "Anna"})
            await stage.pass_time(3 * DAY + HOUR)
            await stage.world.click(stage.mailer.got[1].id, await stage.now())
            await stage.pass_time(20 * DAY)
            await stage.tell("form_submitted", email="bo@example.org")
            await stage.pass_time(9 * DAY)
            await _send_report(stage)
            [run, *_] = await stage.world.rows(EnrolmentRow)
            [handover] = await stage.world.rows(HandoverRow)
            kept = {
                "enrolment": keys.enrolment_workflow(run.id),
                "handover": keys.handover_workflow(handover.id),
                "audience_sync": keys.audience_workflow("hesitating"),
                "send_report": keys.report_schedule("monthly"),
            }
            return {
                name: (
                    await stage.client.get_workflow_handle(workflow_id).fetch_history()
                ).to_json()
                for name, workflow_id in kept.items()
            }


async def record_upkeep() -> str:
    """On the development server, since it reads the server's list of workflows."""
    environment = await dev_server()
    with tempfile.TemporaryDirectory() as folder:
        async with environment, Stage.open(environment, Path(folder)) as stage:
            await stage.tell("form_submitted")
            await stage.world.outbox.drain()
            handle = await stage.client.start_workflow(
                Upkeep.run, Reconcile(), id=UPKEEP, task_queue=stage.queue
            )
            await handle.result()
            return (await handle.fetch_history()).to_json()


async def _send_report(stage: Stage) -> None:
    """One that a receiver does not take at first, so that there is a timer in it."""
    stage.book.book = reporting_playbook()
    stage.mailer.errors = [Transient("mailbox_busy")]
    id_ = keys.report_schedule("monthly")
    await stage.client.execute_workflow(SendReport.run, "monthly", id=id_, task_queue=stage.queue)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    kept = {**asyncio.run(record()), "upkeep": asyncio.run(record_upkeep())}
    for name, history in kept.items():
        told = _IDENTITY.sub('"worker"', history)
        (FOLDER / f"{name}.json").write_text(told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
