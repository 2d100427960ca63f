"""An attempt whose worker died is tried again within seconds instead of at the end of its time.

Whatever takes longer than a beat says so to Temporal; most activities are over before and send none.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

EVERY = timedelta(seconds=1)
"""A quarter of policies.HEARTBEAT, since a worker or a Temporal with too much to do is late. A worker has to pass each
beat on (`max_heartbeat_throttle_interval`): the SDK keeps them back until four fifths of the silence are over."""


class Heartbeats(Interceptor):
    """For a worker: each of its activities beats as long as this process is alive and its event loop turns.

    One that was taken for dead all the same, because everything stood still for a while, is neither broken off in the
    middle of a mail nor done twice at once: it goes on, and its next attempt waits for it, if it comes here.
    """

    def __init__(self, every: timedelta = EVERY) -> None:
        self._seconds = every.total_seconds()
        self._under_way: dict[tuple[str, str], asyncio.Task[Any]] = {}

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Attempt(next, self)

    async def attempt(self, begin: ActivityInboundInterceptor, input: ExecuteActivityInput) -> Any:
        with _beats(self._seconds):
            work = self._work(begin, input)
            try:
                return await asyncio.shield(work)
            except asyncio.CancelledError:
                why = activity.cancellation_details()
                if why and why.worker_shutdown:
                    work.cancel()
                    await asyncio.wait([work])
                raise

    def _work(
        self, begin: ActivityInboundInterceptor, input: ExecuteActivityInput
    ) -> asyncio.Task[Any]:
        """What an earlier attempt still does; else a new one, which no attempt outlives."""
        info = activity.info()
        which = info.workflow_run_id or "", info.activity_id
        if which not in self._under_way:
            longest = info.start_to_close_timeout
            within = asyncio.timeout(longest.total_seconds() if longest else None)

            async def work() -> Any:
                async with within:
                    return await begin.execute_activity(input)

            task = self._under_way[which] = asyncio.create_task(work())
            task.add_done_callback(lambda _: self._under_way.pop(which))
        return self._under_way[which]


class _Attempt(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, beats: Heartbeats) -> None:
        super().__init__(following)
        self._beats = beats

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        return await self._beats.attempt(self.next, input)


@contextmanager
def _beats(seconds: float) -> Iterator[None]:
    """The attempt that this is called in beats meanwhile."""
    loop = asyncio.get_running_loop()
    later: asyncio.TimerHandle

    def beat() -> None:
        nonlocal later
        activity.heartbeat()
        later = loop.call_later(seconds, beat)

    later = loop.call_later(seconds, beat)
    try:
        yield
    finally:
        later.cancel()
