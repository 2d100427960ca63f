"""The one way in which a workflow waits here: until a time, or until it is woken."""

from datetime import timedelta

from temporalio import workflow

from activities.contract import Next


class Sleeper:
    """A wake-up that comes while the workflow is awake is not lost: the next sleep ends at once."""

    def __init__(self) -> None:
        self._woken = False

    def wake(self) -> None:
        self._woken = True

    def start_looking(self) -> None:
        """Whatever is signalled from here on is news to the look that now begins."""
        self._woken = False

    def may_end(self, next_: Next) -> bool:
        """Whether there is nothing more to do. News that came during the look may be something: it is looked at,
        since nobody tells of it again."""
        return next_.done and not self._woken

    async def until(self, next_: Next) -> bool:
        """Whether the time came, rather than a wake-up."""
        if next_.wake_at is None:
            await workflow.wait_condition(lambda: self._woken)
            return False
        rest = next_.wake_at - workflow.time()
        if rest <= 0:
            return True
        if self._woken:
            return False
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=timedelta(seconds=rest))
        except TimeoutError:
            return True
        return False

    @property
    def must_start_over(self) -> bool:
        """The history has grown long: time to continue as new, unless news came in meanwhile."""
        return workflow.info().is_continue_as_new_suggested() and not self._woken
