"""Counts and durations of requests, in Prometheus' words."""

from collections.abc import Iterable
from http import HTTPMethod
from time import perf_counter

from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Receive, Scope, Send

from nurture.store.vitals import Vital
from nurture.web.answering import Answer

_TRACER = trace.get_tracer("nurture")
"""Says nothing until a door has opened its telemetry."""

_OTHER = "other"
"""The route of an address that does not exist, and the method of a request that made one up: strangers must not be
able to add series."""


class Measures:
    """One registry per app, so that two apps in a process do not add up."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.messages = Counter(
            "nurture_messages",
            "Messages by source and what became of them",
            ("source", "outcome"),
            registry=self._registry,
        )
        self.requests = Counter(
            "nurture_http_requests",
            "Answered requests",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "nurture_http_seconds",
            "Time to answer",
            ("route",),
            registry=self._registry,
        )

    def text(self, vitals: Iterable[Vital]) -> bytes:
        """Prometheus' text format 0.0.4. The vitals are of the database, so each server tells the same."""
        return generate_latest(self._registry) + generate_latest(_gauges(vitals))


def _gauges(vitals: Iterable[Vital]) -> CollectorRegistry:
    registry, known = CollectorRegistry(), dict[str, Gauge]()
    for vital in vitals:
        gauge = known.get(vital.name) or Gauge(
            vital.name, vital.help, tuple(vital.labels), registry=registry
        )
        known[vital.name] = gauge
        (gauge.labels(**vital.labels) if vital.labels else gauge).set(vital.value)
    return registry


class Measure:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in HTTPMethod.__members__ else _OTHER
        with _TRACER.start_as_current_span(method, kind=trace.SpanKind.SERVER) as span:
            await self._observed(span, method, scope, receive, send)

    async def _observed(
        self, span: trace.Span, method: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        answer, began = Answer(self._app), perf_counter()
        try:
            await answer.run(scope, receive, send)
        finally:
            route = getattr(scope.get("route"), "path", _OTHER)
            span.update_name(f"{method} {route}")
            told = {"http.route": route, "http.response.status_code": answer.status}
            span.set_attributes(told)
            self._measures.requests.labels(method, route, str(answer.status)).inc()
            self._measures.seconds.labels(route).observe(perf_counter() - began)
