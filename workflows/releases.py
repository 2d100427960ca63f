"""A new release takes over from the one before, with leads in flight: Temporal's worker deployment versions.

Every workflow here is upgraded as soon as a newer version is current: it is a loop around one activity, and kept
histories prove that today's code goes on with it (tests/workflows/test_replay.py). So nothing waits for a release
that is gone, however long a lead sleeps.
"""

import asyncio
from contextlib import suppress
from itertools import count

import structlog
from temporalio.api.deployment.v1 import WorkerDeploymentVersion as Version
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig

from nurture.domain.errors import StartError

_QUIETLY = 10
"""So often before anybody is told: workers come one after another, and Temporal knows one once it asked for work."""

_REFUSED = frozenset(
    {
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.UNIMPLEMENTED,
        RPCStatusCode.INVALID_ARGUMENT,
    }
)

_Queue = tuple[str, TaskQueueType.ValueType]

log = structlog.get_logger()


def deployment(name: str, build: str) -> WorkerDeploymentConfig | None:
    """What a worker of that release tells Temporal; None without a build: then all workers are alike."""
    if not build:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=name, build_id=build),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def take_over(
    client: Client, name: str, build: str, stop: asyncio.Event, look: float = 60.0
) -> None:
    """Make that release current, and again when the one that is has no workers left: a worker of the release before
    that was started anew in between took over, and was stopped then. That is looked for every `look` seconds, until
    `stop` is set. Raises StartError when Temporal does not let us."""
    while not stop.is_set():
        await make_current(client, name, build, stop)
        while not await _rested(stop, look) and not await _deserted(client, name, build):
            continue


async def make_current(
    client: Client, name: str, build: str, stop: asyncio.Event, pause: float = 2.0
) -> None:
    """Once nothing would stand still by it, asking every `pause` seconds until `stop` is set. What keeps the release
    from being current is told in the log. Raises StartError when Temporal does not let us."""
    told = ""
    for tries in count(1):
        try:
            problem = await _tried(client, name, build)
        except RPCError as error:
            if error.status in _REFUSED:
                raise StartError(
                    f"Temporal refuses to make release {build} (NURTURE_BUILD_ID) the current one: {error.message};"
                    " with NURTURE_TAKE_OVER=false an operator does"
                ) from error
            problem = error.message
        if not problem:
            log.info("release_current", build=build)
            return
        if tries >= _QUIETLY and problem != told:
            log.warning("release_not_current", build=build, problem=problem)
            told = problem
        if await _rested(stop, pause):
            return


async def _rested(stop: asyncio.Event, seconds: float) -> bool:
    """Whether it is time to stop, at the latest after so long."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()


async def _deserted(client: Client, name: str, build: str) -> bool:
    try:
        return await deserted(client, name, build)
    except RPCError:  # asked again at the next look
        return False


async def _tried(client: Client, name: str, build: str) -> str:
    """Why the release is not made current yet; empty once it is."""
    missing = await unserved(client, name, build)
    if missing:
        return f"no worker of release {build} serves {', '.join(missing)}, as workers of the current one do"
    await client.workflow_service.set_worker_deployment_current_version(
        SetWorkerDeploymentCurrentVersionRequest(
            namespace=client.namespace,
            deployment_name=name,
            build_id=build,
            ignore_missing_task_queues=True,  # Temporal misses only those that are busy at the moment
        )
    )
    return ""


async def unserved(client: Client, name: str, build: str) -> list[str]:
    """The queues on which workers of the current release ask for work, and none of `build` does. What nobody serves any
    more, such as a sender that the playbook no longer has, is nothing to wait for. What a release served before it was
    replaced says nothing of today: it may come back one part after another."""
    current = await _current(client, name)
    if current.build_id in ("", build):
        return []
    missing = set()
    for queue, kind in await _queues(client, current):
        builds = await _asking(client, queue, kind)
        if current.build_id in builds and build not in builds:
            missing.add(queue)
    return sorted(missing)


async def deserted(client: Client, name: str, build: str) -> bool:
    """Whether another release is the current one and none of its workers asks for work any more, so that everything
    stands still."""
    current = await _current(client, name)
    if current.build_id in ("", build):
        return False
    queues = await _queues(client, current)
    return not any([current.build_id in await _asking(client, *queue) for queue in queues])


async def _current(client: Client, name: str) -> Version:
    found = await client.workflow_service.describe_worker_deployment(
        DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=name)
    )
    return found.worker_deployment_info.routing_config.current_deployment_version


async def _queues(client: Client, version: Version) -> set[_Queue]:
    """Those that its workers ever asked for work."""
    found = await client.workflow_service.describe_worker_deployment_version(
        DescribeWorkerDeploymentVersionRequest(
            namespace=client.namespace, deployment_version=version
        )
    )
    return {(queue.name, queue.type) for queue in found.version_task_queues}


async def _asking(client: Client, queue: str, kind: TaskQueueType.ValueType) -> set[str]:
    """The releases whose workers did so in the last five minutes, which is how long Temporal remembers."""
    found = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
        )
    )
    return {poller.deployment_options.build_id for poller in found.pollers}
