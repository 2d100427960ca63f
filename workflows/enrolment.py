"""One lead's run through one flow."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import queues
    from activities.contract import ADVANCE_ENROLMENT, Next
    from workflows import policies
    from workflows.sleeper import Sleeper


@workflow.defn
class Enrolment:
    """Take the steps that are due, sleep until the next one is, for weeks if need be; start over until done."""

    @workflow.init
    def __init__(self, enrolment_id: str, part: str = queues.DECISIONS) -> None:
        self._sleeper = Sleeper()

    @workflow.signal
    def wake(self) -> None:
        """Something happened that this lead's flow listens to."""
        self._sleeper.wake()

    @workflow.run
    async def run(self, enrolment_id: str, part: str = queues.DECISIONS) -> None:
        next_ = Next(part=part)
        while True:
            self._sleeper.start_looking()
            next_ = await workflow.execute_activity(
                ADVANCE_ENROLMENT,
                enrolment_id,
                result_type=Next,
                task_queue=queues.named(workflow.info().task_queue, next_.part),
                priority=policies.URGENT if next_.urgent else policies.USUAL,
                start_to_close_timeout=policies.STEP,
                heartbeat_timeout=policies.HEARTBEAT,
                retry_policy=policies.PROMISED if next_.urgent else policies.RETRY,
            )
            if self._sleeper.may_end(next_):
                return
            if not await self._sleeper.until(next_):
                next_ = Next()  # something happened: what is due now has to be decided first
            if self._sleeper.must_start_over:
                workflow.continue_as_new(enrolment_id)
