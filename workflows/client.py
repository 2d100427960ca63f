"""The outside's side of the workflows: which are there, and how one is started or woken."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from activities import queues
from nurture.domain import keys
from nurture.domain.errors import Transient
from workflows import policies
from workflows.audience_sync import AudienceSync
from workflows.enrolment import Enrolment
from workflows.handover import Handover
from workflows.send_report import SendReport
from workflows.upkeep import Upkeep

_LONGEST_KEY = 64
"""Temporal's limit for what it shares turns out by. A flow's name is ASCII."""

_ANSWERS_WITHIN = timedelta(seconds=2)
"""A Temporal that takes longer is as good as away: whoever probes us does not wait for ever either."""

_AWAY = "Temporal does not answer; touches are kept until it does"

WORKFLOWS: list[type] = [Enrolment, Handover, AudienceSync, SendReport, Upkeep]

BY_KIND: dict[str, tuple[Any, Any, Priority]] = {
    "enrolment": (Enrolment.run, keys.enrolment_workflow, policies.USUAL),
    "handover": (Handover.run, keys.handover_workflow, policies.URGENT),
    "audience": (AudienceSync.run, keys.audience_workflow, policies.PATIENT),
    "report": (SendReport.run, keys.report_workflow, policies.USUAL),
}


class TemporalWaker:
    """Implements ports.Waker by signal-with-start: what runs is woken, what does not is started.

    So waking twice does no harm, and a workflow that Temporal lost begins again where the database says. What a
    workflow of a flow asks for, now and later, takes turns with that of other flows: Temporal's fairness keys.
    """

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def wake(self, kind: str, key: str, flow: str = "", sender: str = "") -> None:
        if kind not in BY_KIND:
            raise Transient("temporal", f"only a newer release wakes a {kind}")
        run, workflow_id, priority = BY_KIND[kind]
        try:
            await self._client.start_workflow(
                run,
                args=[key, queues.mail(sender)] if sender else [key],
                id=workflow_id(key),
                task_queue=self._task_queue,
                priority=replace(priority, fairness_key=flow[:_LONGEST_KEY] or None),
                start_signal="wake",
                task_timeout=policies.DECIDING,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
        except RPCError as error:
            if error.status is RPCStatusCode.INVALID_ARGUMENT:
                raise
            raise Transient("temporal", error.status.name) from error
        except RuntimeError as error:  # a lazy client's first connection
            raise Transient("temporal", "no connection") from error


async def ping(client: Client) -> str | None:
    """None when Temporal answers and has our namespace, else what is wrong."""
    try:
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace), timeout=_ANSWERS_WITHIN
        )
    except RPCError as error:
        match error.status:
            case (
                RPCStatusCode.PERMISSION_DENIED
            ):  # it answers; not every key may look at namespaces
                return None
            case RPCStatusCode.NOT_FOUND:
                return (
                    f'Temporal has no namespace "{client.namespace}" (TEMPORAL_NAMESPACE); '
                    "touches are kept until it has"
                )
        return _AWAY
    except RuntimeError:  # a lazy client's first connection
        return _AWAY
    return None
