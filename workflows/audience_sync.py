"""One audience on one ad platform, kept as it should be."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import queues
    from activities.contract import SYNC_AUDIENCE, Next
    from workflows import policies
    from workflows.sleeper import Sleeper


@workflow.defn
class AudienceSync:
    """Bring the platform's list to the desired one, then sleep until somebody belongs or leaves. Never ends."""

    @workflow.init
    def __init__(self, audience: str) -> None:
        self._sleeper = Sleeper()

    @workflow.signal
    def wake(self) -> None:
        """Somebody's membership changed."""
        self._sleeper.wake()

    @workflow.run
    async def run(self, audience: str) -> None:
        while True:
            await workflow.sleep(policies.DEBOUNCE)
            self._sleeper.start_looking()
            next_: Next = await workflow.execute_activity(
                SYNC_AUDIENCE,
                audience,
                result_type=Next,
                task_queue=queues.named(workflow.info().task_queue, queues.ADS),
                start_to_close_timeout=policies.SYNC,
                heartbeat_timeout=policies.HEARTBEAT,
                retry_policy=policies.RETRY,
            )
            if self._sleeper.may_end(next_):
                return
            await self._sleeper.until(next_)
            if self._sleeper.must_start_over:
                workflow.continue_as_new(audience)
