"""A lead in the hands of sales, until somebody talked to it or it came back."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import queues
    from activities.contract import ADVANCE_HANDOVER, Next
    from workflows import policies
    from workflows.sleeper import Sleeper


@workflow.defn
class Handover:
    """Tell sales, then remind, escalate, reassign and recycle as the agreement says; an answer ends it."""

    @workflow.init
    def __init__(self, handover_id: str) -> None:
        self._sleeper = Sleeper()

    @workflow.signal
    def wake(self) -> None:
        """Sales answered, or there is something new to tell."""
        self._sleeper.wake()

    @workflow.run
    async def run(self, handover_id: str) -> None:
        while True:
            self._sleeper.start_looking()
            next_: Next = await workflow.execute_activity(
                ADVANCE_HANDOVER,
                handover_id,
                result_type=Next,
                task_queue=queues.named(workflow.info().task_queue, queues.WEBHOOKS),
                start_to_close_timeout=policies.STEP,
                heartbeat_timeout=policies.HEARTBEAT,
                retry_policy=policies.PROMISED,
            )
            if self._sleeper.may_end(next_):
                return
            await self._sleeper.until(next_)
            if self._sleeper.must_start_over:
                workflow.continue_as_new(handover_id)
