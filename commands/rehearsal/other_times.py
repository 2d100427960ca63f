"""Activities at another time than Temporal's: its test server knows only the present and what comes after."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from activities.contract import Next

After = Callable[[datetime], Awaitable[None]]


class OtherTimes(ClientInterceptor, Interceptor):
    """`ahead` is added to each activity's clock, and taken from the time it wants to be woken at.

    `after` is called when one has done its work, before Temporal hears of it: until then no time passes.
    """

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.after: After | None = None

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Inbound(next, self)


class _Inbound(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, times: OtherTimes) -> None:
        super().__init__(next)
        self._times = times

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        super().init(_Outbound(outbound, self._times))

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        result = await super().execute_activity(input)
        if self._times.after:
            await self._times.after(activity.info().started_time)
        if isinstance(result, Next) and result.wake_at is not None:
            ahead = self._times.ahead.total_seconds()
            return replace(result, wake_at=result.wake_at - ahead)
        return result


class _Outbound(ActivityOutboundInterceptor):
    def __init__(self, next: ActivityOutboundInterceptor, times: OtherTimes) -> None:
        super().__init__(next)
        self._times = times

    def info(self) -> activity.Info:
        info = super().info()
        return replace(info, started_time=info.started_time + self._times.ahead)
