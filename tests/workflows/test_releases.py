"""A new release takes over while leads are in flight."""

from pathlib import Path

from nurture.domain.calendar import Span
from nurture.domain.flow import Email, Flow, WaitFor
from nurture.domain.keys import enrolment_workflow
from nurture.store.tables import EnrolmentRow
from tests.support.domain import DAY
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.temporal import Stage, dev_server
from tests.support.waiting import until
from workflows import releases
from workflows.worker import Workers


def _release(stage: Stage, build: str) -> Workers:
    its = releases.deployment("nurture", build)
    return Workers(stage.client, stage.queue, stage.activities(), sandbox=False, release=its)


async def test_a_lead_that_went_to_sleep_under_one_release_wakes_under_the_next(
    tmp_path: Path,
) -> None:
    environment = await dev_server()
    async with environment, Stage.idle(environment, tmp_path) as stage:
        steps = {
            "first": Email("hello", next="rest"),
            "rest": WaitFor(Span(30 * DAY), touch="clicked", then="second"),
            "second": Email("guide"),
        }
        flow = Flow("welcome", "Welcome", steps, "first")
        stage.book.book = playbook(flows={**PLAYBOOK.flows, "welcome": flow})
        await stage.tell("form_submitted")
        async with _release(stage, "1") as one:
            await one.follow({"courses": None})
            await releases.take_over(stage.client, "nurture", "1")
            await until(lambda: stage.mailer.got, 60)
            async with _release(stage, "2") as two:
                await two.follow({"courses": None})
                await releases.take_over(stage.client, "nurture", "2")
        async with _release(stage, "2") as two:
            await two.follow({"courses": None})
            await stage.tell("clicked")
            await until(lambda: len(stage.mailer.got) == 2, 60)
            [run] = await stage.world.rows(EnrolmentRow)
            handle = stage.client.get_workflow_handle(enrolment_workflow(run.id))
            await handle.result()
        history = await handle.fetch_history()
    builds = [
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        for event in history.events
        if event.HasField("workflow_task_completed_event_attributes")
    ]
    assert builds[0] == "1"
    assert builds[-1] == "2"
