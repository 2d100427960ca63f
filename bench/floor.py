"""The bare floor: the same timers, and one activity a step that does nothing."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def nothing(step: int) -> None:
    return None


@workflow.defn
class Bare:
    """As many steps as the journey has, each an empty activity and a timer."""

    @workflow.run
    async def run(self, steps: int, wait_seconds: float) -> None:
        for step in range(steps):
            await workflow.execute_activity(
                nothing, step, start_to_close_timeout=timedelta(minutes=2)
            )
            if step < steps - 1:
                await workflow.sleep(wait_seconds)
