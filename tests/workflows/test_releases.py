"""A new release takes over while leads are in flight."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from structlog.testing import capture_logs
from temporalio.api.deployment.v1 import (
    RoutingConfig,
    WorkerDeploymentInfo,
    WorkerDeploymentOptions,
    WorkerDeploymentVersion,
)
from temporalio.api.taskqueue.v1 import PollerInfo
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    DescribeWorkerDeploymentResponse,
    DescribeWorkerDeploymentVersionResponse,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities import queues
from nurture.domain.calendar import Span
from nurture.domain.errors import StartError
from nurture.domain.flow import Email, Flow, WaitFor
from nurture.domain.keys import enrolment_workflow
from nurture.store.tables import EnrolmentRow
from tests.support.domain import DAY
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.temporal import Stage, dev_server
from tests.support.waiting import until
from workflows import releases
from workflows.worker import Workers

QUICKLY = 0.25


def _release(stage: Stage, build: str, parts: Collection[str] = queues.PARTS) -> Workers:
    its = releases.deployment("nurture", build)
    return Workers(stage.client, stage.queue, stage.activities(), parts, False, release=its)


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
            await _current(stage, "1")
            await until(lambda: stage.mailer.got, 60)
            async with _release(stage, "2") as two:
                await two.follow({"courses": None})
                await _current(stage, "2")
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


async def test_the_first_worker_of_one_part_leaves_the_others_to_the_release_before(
    tmp_path: Path,
) -> None:
    environment = await dev_server()
    async with environment, Stage.idle(environment, tmp_path) as stage:
        decides, mails = {queues.DECISIONS}, {queues.MAIL}
        async with _release(stage, "1", decides), _release(stage, "1", mails) as sends:
            await sends.follow({"courses": None})
            await _current(stage, "1")
            async with _release(stage, "2", mails) as sends_too:
                await sends_too.follow({"courses": None})
                waits = asyncio.create_task(_current(stage, "2"))
                async with asyncio.timeout(60):  # until the second one asks for mails
                    while await _unserved(stage, "2") != [stage.queue]:  # noqa: ASYNC110 - Temporal raises no event
                        await asyncio.sleep(QUICKLY)
                await stage.tell("form_submitted")
                await until(lambda: stage.mailer.got, 60)
                assert not waits.done()
                async with _release(stage, "2", decides):
                    await waits
                    assert await _unserved(stage, "2") == []


async def _current(stage: Stage, build: str) -> None:
    """Once it may be."""
    stop = asyncio.Event()
    await asyncio.wait_for(releases.make_current(stage.client, "nurture", build, stop, QUICKLY), 60)


async def _unserved(stage: Stage, build: str) -> list[str]:
    """Once Temporal knows that release, and had not been asked too much at that moment."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await releases.unserved(stage.client, "nurture", build)
            except RPCError:
                await asyncio.sleep(QUICKLY)


class Remembers:
    """Temporal, as far as it says which releases ask for work in each part."""

    def __init__(self, asking: dict[str, list[str]]) -> None:
        self.asking, self.current, self.made = asking, "2", list[str]()

    async def describe_worker_deployment(self, request: object) -> DescribeWorkerDeploymentResponse:
        routing = RoutingConfig(current_deployment_version=_version(self.current))
        info = WorkerDeploymentInfo(routing_config=routing)
        return DescribeWorkerDeploymentResponse(worker_deployment_info=info)

    async def describe_worker_deployment_version(
        self, request: object
    ) -> DescribeWorkerDeploymentVersionResponse:
        """Every release was whole once."""
        queue = DescribeWorkerDeploymentVersionResponse.VersionTaskQueue
        return DescribeWorkerDeploymentVersionResponse(
            version_task_queues=[queue(name=name) for name in self.asking]
        )

    async def set_worker_deployment_current_version(
        self, request: SetWorkerDeploymentCurrentVersionRequest
    ) -> None:
        self.current = request.build_id
        self.made.append(request.build_id)

    async def describe_task_queue(
        self, request: DescribeTaskQueueRequest
    ) -> DescribeTaskQueueResponse:
        builds = self.asking[request.task_queue.name]
        options = [WorkerDeploymentOptions(build_id=build) for build in builds]
        return DescribeTaskQueueResponse(
            pollers=[PollerInfo(deployment_options=o) for o in options]
        )


def _version(build: str) -> WorkerDeploymentVersion:
    return WorkerDeploymentVersion(deployment_name="nurture", build_id=build)


async def test_a_release_of_before_that_comes_back_in_parts_leaves_the_others_to_the_current_one() -> (
    None
):
    service = Remembers({"decisions": ["1", "2"], "mail": ["2"], "given up": [], "new": ["1"]})
    assert await releases.unserved(_client(service), "nurture", "1") == ["mail"]


async def test_a_release_takes_over_again_from_one_that_has_no_workers_left() -> None:
    """A worker of the release before was started anew while the new one came, took over, and was stopped."""
    service, stop = Remembers({"decisions": ["2", "3"], "mail": ["3"]}), asyncio.Event()
    takes = asyncio.create_task(
        releases.take_over(_client(service), "nurture", "3", stop, look=0.001)
    )
    await until(lambda: service.made == ["3"])
    service.current = "2"
    assert not await releases.deserted(_client(service), "nurture", "3"), "2 still works"
    service.asking["decisions"] = ["3"]
    await until(lambda: service.made == ["3", "3"])
    stop.set()
    await takes


class Service:
    """Temporal, as far as it answers every question alike."""

    def __init__(self, status: RPCStatusCode, answer: str) -> None:
        self.error, self.asked = RPCError(answer, status, b""), 0

    async def describe_worker_deployment(self, request: object) -> None:
        self.asked += 1
        raise self.error


def _client(service: Service | Remembers) -> Client:
    return cast(Client, SimpleNamespace(namespace="default", workflow_service=service))


async def test_what_keeps_a_release_from_being_current_is_told_and_keeps_nobody_from_work() -> None:
    service, stop = Service(RPCStatusCode.UNAVAILABLE, "away for a moment"), asyncio.Event()
    with capture_logs() as told:
        waits = asyncio.create_task(
            releases.make_current(_client(service), "nurture", "2", stop, 0.001)
        )
        await until(lambda: service.asked > 30)
        stop.set()
        await waits
    assert [(line["event"], line["problem"]) for line in told] == [
        ("release_not_current", "away for a moment")
    ]


async def test_who_may_not_make_a_release_current_is_told_what_to_set() -> None:
    service = Service(RPCStatusCode.PERMISSION_DENIED, "no writer of this namespace")
    with pytest.raises(StartError) as raised:
        await releases.take_over(_client(service), "nurture", "2", asyncio.Event())
    assert str(raised.value) == (
        "Temporal refuses to make release 2 (NURTURE_BUILD_ID) the current one: no writer of this"
        " namespace; with NURTURE_TAKE_OVER=false an operator does"
    )
