"""What a process tells of itself: the SDK's metrics for Prometheus, and traces from a touch to its mail.

Both are off unless asked for. A span holds names of routes, workflows and activities, kinds of errors and ids; no
address of a page (it may end in a token), no person, and not what an error says (a mail server names whom it refuses).
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
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
from workflows.discreet import Discreet


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
    with traced(door, OTLPSpanExporter(), BatchSpanProcessor):
        yield Telemetry(runtime, [OpenTelemetryPlugin(add_temporal_spans=True)])


@contextmanager
def traced(
    door: str, exporter: SpanExporter, processor: Callable[[SpanExporter], SpanProcessor]
) -> Iterator[None]:
    """What the process does in the block goes to the exporter. Once in a process' life."""
    provider = create_tracer_provider(resource=Resource.create({SERVICE_NAME: f"nurture-{door}"}))
    provider.add_span_processor(processor(Discreet(exporter)))
    trace.set_tracer_provider(provider)
    try:
        yield
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
