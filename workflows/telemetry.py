"""What a process tells of itself: the SDK's metrics for Prometheus, and traces from a touch to its mail.

Both are off unless asked for. A span holds names of routes, workflows and activities, kinds of errors and ids; no
address of a page (it may end in a token), no person, and not what an error says (a mail server names whom it refuses).
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status
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

_WORDS = frozenset({"exception.message", "exception.stacktrace"})

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
    provider.add_span_processor(BatchSpanProcessor(Discreet(OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    try:
        yield Telemetry(runtime, [OpenTelemetryPlugin(add_temporal_spans=True)])
    finally:
        provider.shutdown()


class Discreet(SpanExporter):
    """Hands spans on without the words of errors, whoever recorded them; the log has them, masked. Of an error its kind
    is left, and that it was one."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([_without_words(span) for span in spans])

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def _without_words(span: ReadableSpan) -> ReadableSpan:
    events = [
        Event(
            event.name,
            {key: value for key, value in (event.attributes or {}).items() if key not in _WORDS},
            event.timestamp,
        )
        for event in span.events
    ]
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=events,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _runtime(settings: Settings, port: int) -> Runtime:
    """What the SDK has to log joins our own lines; its metrics are on the port, if there is one."""
    address = f"{settings.http_host}:{port}"
    metrics = PrometheusConfig(bind_address=address) if port else None
    lines = LoggingConfig(_WARNINGS, LogForwardingConfig(logging.getLogger("temporal")))
    try:
        return Runtime(telemetry=TelemetryConfig(logging=lines, metrics=metrics))
    except (RuntimeError, ValueError) as error:
        raise StartError(f"NURTURE_METRICS_PORT: {address} cannot be bound: {error}") from error
