"""One report to both teams, started by its schedule; by upkeep where Temporal lost it."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from activities import queues
    from activities.contract import SEND_REPORT, Next, ReportOrder
    from nurture.domain import keys
    from workflows import policies
    from workflows.sleeper import Sleeper


_SCHEDULED = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
"""When the schedule wanted it, which may be hours ago: a Temporal that was away, or is an hour older than the database
after a restore, makes up for it, and what went out then is known by this time."""


@workflow.defn
class SendReport:
    """Send the figures as they were when it was due; what a receiver does not take is tried again for days."""

    @workflow.init
    def __init__(self, plan: str) -> None:
        self._sleeper = Sleeper()

    @workflow.signal
    def wake(self) -> None:
        """Something of it was due and nobody acted."""
        self._sleeper.wake()

    @workflow.run
    async def run(self, plan: str) -> None:
        """`plan`: from upkeep with the time that it was due (see nurture.domain.keys)."""
        info = workflow.info()
        name, at = keys.read_report_run(plan)
        due = info.typed_search_attributes.get(_SCHEDULED, info.workflow_start_time)
        order = ReportOrder(name, int(due.timestamp()) if at is None else at)
        while True:
            self._sleeper.start_looking()
            next_: Next = await workflow.execute_activity(
                SEND_REPORT,
                order,
                result_type=Next,
                task_queue=queues.named(workflow.info().task_queue, queues.WEBHOOKS),
                start_to_close_timeout=policies.STEP,
                heartbeat_timeout=policies.HEARTBEAT,
                retry_policy=policies.RETRY,
            )
            if next_.done:
                return
            await self._sleeper.until(next_)
