"""What a process tells of itself: the SDK's metrics for Prometheus, and traces from a touch to its mail.

Both are off unless asked for. A span holds names of routes, workflows and activities, and ids; no
address of a page (it may end in a token) and no person.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from temporalio.client import Plugin
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from nurture.domain.errors import StartError
from nurture.settings import Settings


@dataclass(frozen=True)
class Telemetry:
    """How a client of Temporal is to be opened."""

    runtime: Runtime | None = None
    plugins: Sequence[Plugin] = ()


SILENT = Telemetry()

_WARNINGS = TelemetryFilter(core_level="WARN", other_level="ERROR")


@contextmanager
def opened(door: str, settings: Settings) -> Iterator[Telemetry]:
    """For the life of a door, `worker` or `server`. Where traces go is said by OpenTelemetry's own
    variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER …).

    Raises StartError when the port for metrics is taken.
    """
    runtime = _runtime(settings, settings.metrics_port if door == "worker" else 0)
    if not settings.traces:
        yield Telemetry(runtime)
        return
    provider = create_tracer_provider(resource=Resource.create({SERVICE_NAME: f"nurture-{door}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield Telemetry(runtime, [OpenTelemetryPlugin(add_temporal_spans=True)])
    finally:
        provider.shutdown()


def _runtime(settings: Settings, port: int) -> Runtime:
    """What the SDK has to log joins our own lines; its metrics are on the port, if there is one."""
    address = f"{settings.http_host}:{port}"
    metrics = PrometheusConfig(bind_address=address) if port else None
    lines = LoggingConfig(_WARNINGS, LogForwardingConfig(logging.getLogger("temporal")))
    try:
        return Runtime(telemetry=TelemetryConfig(logging=lines, metrics=metrics))
    except (RuntimeError, ValueError) as error:
        raise StartError(f"NURTURE_METRICS_PORT: {address} cannot be bound: {error}") from error
