"""One lead's run through one flow."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contract import ADVANCE_ENROLMENT, Next
    from workflows import policies
    from workflows.sleeper import Sleeper


@workflow.defn
class Enrolment:
    """Take the steps that are due, sleep until the next one is, for weeks if need be; start over until done."""

    @workflow.init
    def __init__(self, enrolment_id: str) -> None:
        self._sleeper = Sleeper()

    @workflow.signal
    def wake(self) -> None:
        """Something happened that this lead's flow listens to."""
        self._sleeper.wake()

    @workflow.run
    async def run(self, enrolment_id: str) -> None:
        while True:
            self._sleeper.start_looking()
            next_: Next = await workflow.execute_activity(
                ADVANCE_ENROLMENT,
                enrolment_id,
                result_type=Next,
                start_to_close_timeout=policies.STEP,
                retry_policy=policies.RETRY,
            )
            if next_.done:
                return
            await self._sleeper.until(next_)
            if self._sleeper.must_start_over:
                workflow.continue_as_new(enrolment_id)
