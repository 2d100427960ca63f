"""What the processes tell of themselves, at the receiving end."""

import socket
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from starlette.types import Receive, Scope, Send
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin

from embedded.skipping import skipping_server
from nurture.domain.errors import StartError, Transient
from nurture.settings import Settings
from nurture.web.measures import Measure, Measures
from tests.support.ports import free_port
from tests.support.temporal import Stage
from tests.support.web import World, connect
from workflows import telemetry

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def exporter() -> Iterator[InMemorySpanExporter]:
    """The tracer provider is the process' own and can be set once."""
    kept = InMemorySpanExporter()
    with telemetry.traced("tests", kept, SimpleSpanProcessor):
        yield kept


@pytest.fixture
async def stage(tmp_path: Path, exporter: InMemorySpanExporter) -> AsyncIterator[Stage]:
    environment = await skipping_server(plugins=[OpenTelemetryPlugin(add_temporal_spans=True)])
    async with environment, Stage.open(environment, tmp_path) as stage:
        yield stage


async def test_a_touch_and_the_mail_it_leads_to_are_one_trace(
    stage: Stage, exporter: InMemorySpanExporter
) -> None:
    with trace.get_tracer("nurture").start_as_current_span("POST /v1/track") as request:
        await stage.tell("form_submitted", traits={"first_name": "Anna"})
    await stage.pass_time(2 * DAY)
    assert stage.mailer.subjects == ["hello Anna"]
    ours = [span for span in exporter.get_finished_spans() if _trace(span) == _trace(request)]
    names = [span.name for span in ours]
    assert "POST /v1/track" in names
    assert any("enrolment.advance" in name for name in names)
    told = " ".join(str((span.name, dict(span.attributes or {}))) for span in ours)
    assert "Anna" not in told
    assert "@" not in told


async def test_a_span_does_not_hold_the_token_that_an_address_ends_in(
    exporter: InMemorySpanExporter,
) -> None:
    exporter.clear()
    async with connect(World().app()) as client:
        for door in "couyh":
            await client.get(f"/{door}/secret-token?to=anna@kunde.dk")
    spans = exporter.get_finished_spans()
    assert "GET /c/{token}" in {span.name for span in spans}
    told = " ".join(span.to_json() for span in spans)
    assert "secret-token" not in told
    assert "anna" not in told


async def test_a_span_is_not_named_by_a_method_that_somebody_made_up(
    exporter: InMemorySpanExporter,
) -> None:
    exporter.clear()
    async with connect(World().app()) as client:
        await client.request("STRANGER-1", "/healthz")
    served = [span.name for span in _served(exporter)]
    assert [name for name in served if name.endswith("/healthz")] == ["other /healthz"]


async def test_a_mail_server_that_names_a_person_in_its_refusal_does_not_reach_the_traces(
    stage: Stage, exporter: InMemorySpanExporter
) -> None:
    exporter.clear()
    stage.mailer.errors = [
        Transient("smtp_450", "4.2.1 <anna@kunde.dk> Anna Holm's mailbox is busy")
    ]
    await stage.tell("form_submitted", traits={"first_name": "Anna"})
    await stage.pass_time(2 * DAY)
    assert stage.mailer.subjects == ["hello Anna"]
    told = " ".join(span.to_json() for span in exporter.get_finished_spans())
    assert "temporalio.exceptions.ApplicationError" in told
    assert "Anna" not in told
    assert "@" not in told


async def test_a_request_that_fails_is_told_in_the_traces_without_what_the_error_says(
    exporter: InMemorySpanExporter,
) -> None:
    exporter.clear()

    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("cannot read what anna@kunde.dk did")

    transport = httpx.ASGITransport(Measure(broken, Measures()))
    async with httpx.AsyncClient(transport=transport, base_url="https://m.example") as client:
        with pytest.raises(RuntimeError):
            await client.post("/v1/track")
    [span] = _served(exporter)
    assert span.status.status_code is StatusCode.ERROR
    assert "RuntimeError" in span.to_json()
    assert "anna" not in span.to_json()


def _served(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    """Of requests: a workflow of an earlier test may end at any time."""
    return [span for span in exporter.get_finished_spans() if span.kind is trace.SpanKind.SERVER]


def _trace(span: ReadableSpan | trace.Span) -> int:
    context = span.get_span_context()
    assert context
    return context.trace_id


def test_a_worker_shows_temporals_metrics_on_its_port() -> None:
    port = free_port()
    with telemetry.opened("worker", Settings(metrics_port=port)) as told:
        assert told.runtime
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert answer.status_code == 200


def test_a_taken_port_for_metrics_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(metrics_port=taken.getsockname()[1])
        with (
            pytest.raises(StartError, match=r"NURTURE_METRICS_PORT: .* cannot be bound: "),
            telemetry.opened("worker", settings),
        ):
            pass
