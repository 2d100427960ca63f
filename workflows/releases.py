"""A new release takes over from the one before, with leads in flight: Temporal's worker deployment versions.

Every workflow here is upgraded as soon as a newer version is current: it is a loop around one activity, and kept
histories prove that today's code goes on with it (tests/workflows/test_replay.py). So nothing waits for a release
that is gone, however long a lead sleeps.
"""

import asyncio

from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig

_TRIES = 40
_PAUSE = 0.25
_NOT_YET = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION})


def deployment(name: str, build: str) -> WorkerDeploymentConfig | None:
    """What a worker of that release tells Temporal; None without a build: then all workers are alike."""
    if not build:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=name, build_id=build),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def take_over(client: Client, name: str, build: str) -> None:
    """Make that release current. Temporal knows it once its workers have asked for work, so it is asked again for some
    seconds. Raises RPCError when it still does not."""
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace,
        deployment_name=name,
        build_id=build,
        ignore_missing_task_queues=True,
    )
    for left in reversed(range(_TRIES)):
        try:
            await client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError as error:
            if error.status not in _NOT_YET or not left:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return
