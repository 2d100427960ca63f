"""An attempt whose worker died is tried again within seconds instead of at the end of its time.

Whatever takes longer than a beat says so to Temporal; most activities are over before and send none.
"""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

EVERY = timedelta(seconds=5)
"""A sixth of policies.HEARTBEAT, since a worker or a Temporal with too much to do is late: were it taken for dead, it
would have the same to do twice. A worker has to pass each beat on (`max_heartbeat_throttle_interval`): the SDK keeps
them back until four fifths of the silence are over."""


class Heartbeats(Interceptor):
    """For a worker: each of its activities beats as long as this process is alive and its event loop turns."""

    def __init__(self, every: timedelta = EVERY) -> None:
        self._seconds = every.total_seconds()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Beating(next, self._seconds)


class _Beating(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, seconds: float) -> None:
        super().__init__(following)
        self._seconds = seconds

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        loop = asyncio.get_running_loop()
        later: asyncio.TimerHandle

        def later_on() -> None:
            nonlocal later
            later = loop.call_later(self._seconds, beat)

        def beat() -> None:
            activity.heartbeat()
            later_on()

        later_on()
        try:
            return await super().execute_activity(input)
        finally:
            later.cancel()
