import base64
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from standardwebhooks import Webhook

from nurture.delivery.sales.formats import cloudevents
from nurture.delivery.sales.webhook import WebhookDesk
from nurture.domain.errors import Gone, Permanent, StartError, Transient
from nurture.domain.retries import retry_schedule
from tests.support.domain import NOW
from tests.support.sales import OTHER_SECRET, SECRET, notice

URL = "https://crm.example/hook"


class Receiver:
    """Answers as told, in turn and then with 204; keeps every request."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else httpx.Response(204)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
async def desk_of() -> AsyncIterator[Callable[..., WebhookDesk]]:
    clients: list[httpx.AsyncClient] = []

    def make(receiver: Receiver, *secrets: str, **options: object) -> WebhookDesk:
        clients.append(httpx.AsyncClient(transport=httpx.MockTransport(receiver)))
        options = {"now": lambda: NOW, **options}
        return WebhookDesk(clients[-1], URL, secrets or (SECRET,), **options)  # type: ignore[arg-type]

    yield make
    for client in clients:
        await client.aclose()


Make = Callable[..., WebhookDesk]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_2xx_is_success(desk_of: Make, status: int) -> None:
    receiver = Receiver(httpx.Response(status, text="ok"))
    await desk_of(receiver).deliver(notice())
    assert len(receiver.requests) == 1


async def test_the_exact_bytes_are_signed_with_every_secret(desk_of: Make) -> None:
    receiver = Receiver()
    now = datetime.now(UTC)
    await desk_of(receiver, OTHER_SECRET, SECRET, now=lambda: now).deliver(notice())
    (request,) = receiver.requests
    for secret in (SECRET, OTHER_SECRET):
        told = Webhook(secret).verify(request.content, dict(request.headers))
        assert told["data"]["lead"]["name"] == "Søren Ærø 🚀"
    assert request.headers["webhook-id"] == notice().id
    assert request.headers["content-type"] == "application/json"


async def test_a_retry_has_the_same_id_and_body_and_a_new_time(desk_of: Make) -> None:
    clock = [NOW]
    receiver = Receiver(httpx.Response(503))
    desk = desk_of(receiver, now=lambda: clock[0])
    with pytest.raises(Transient):
        await desk.deliver(notice())
    clock[0] += timedelta(hours=5)
    await desk.deliver(notice())
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.content == second.content
    waited = int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"])
    assert waited == 5 * 3600
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_a_failure_and_not_followed(desk_of: Make, status: int) -> None:
    elsewhere = httpx.Response(status, headers={"location": "https://evil.example/"})
    receiver = Receiver(elsewhere)
    with pytest.raises(Transient, match=str(status)):
        await desk_of(receiver).deliver(notice())
    assert [request.url.host for request in receiver.requests] == ["crm.example"]


async def test_410_says_never_again(desk_of: Make) -> None:
    with pytest.raises(Gone):
        await desk_of(Receiver(httpx.Response(410))).deliver(notice())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_another_refusal_is_permanent_and_quotes_the_answer(
    desk_of: Make, status: int
) -> None:
    with pytest.raises(Permanent, match=f"http_{status}: invalid_blocks"):
        await desk_of(Receiver(httpx.Response(status, text="invalid_blocks"))).deliver(notice())


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_receiver_in_trouble_is_tried_again(desk_of: Make, status: int) -> None:
    with pytest.raises(Transient) as failure:
        await desk_of(Receiver(httpx.Response(status))).deliver(notice())
    assert failure.value.retry_after is None


@pytest.mark.parametrize("status", [403, 429, 503])
async def test_a_receiver_that_names_a_time_is_not_called_before(
    desk_of: Make, status: int
) -> None:
    busy = httpx.Response(status, headers={"retry-after": "120"})
    with pytest.raises(Transient) as failure:
        await desk_of(Receiver(busy)).deliver(notice())
    assert failure.value.retry_after == timedelta(minutes=2)


@pytest.mark.parametrize(
    "problem",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("broken"),
        httpx.ReadError("reset"),
    ],
)
async def test_no_answer_is_tried_again(desk_of: Make, problem: Exception) -> None:
    with pytest.raises(Transient):
        await desk_of(Receiver(problem)).deliver(notice())


async def test_a_body_format_is_signed_as_it_is_sent(desk_of: Make) -> None:
    receiver = Receiver()
    now = datetime.now(UTC)
    await desk_of(receiver, now=lambda: now, body_format=cloudevents).deliver(notice())
    (request,) = receiver.requests
    assert request.headers["content-type"] == "application/cloudevents+json"
    event = Webhook(SECRET).verify(request.content, dict(request.headers))
    assert event["id"] == request.headers["webhook-id"]


@pytest.mark.parametrize(
    ("url", "secrets", "variable"),
    [
        ("ftp://crm.example/", [SECRET], "NURTURE_SALES_URL"),
        ("crm.example/hook", [SECRET], "NURTURE_SALES_URL"),
        ("http://crm.example:port/", [SECRET], "NURTURE_SALES_URL"),
        (URL, [], "NURTURE_SALES_SECRET"),
        (URL, ["whsec_" + base64.b64encode(b"short").decode()], "NURTURE_SALES_SECRET"),
    ],
)
async def test_a_desk_that_cannot_work_does_not_start(
    url: str, secrets: list[str], variable: str
) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(StartError, match=variable):
            WebhookDesk(client, url, secrets, lambda: NOW)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://crm.example:port/", "config/webhooks.yaml is not an address"),
        ("crm.example", "config/webhooks.yaml must begin with https:// and a host"),
    ],
)
async def test_an_address_that_cannot_work_is_looked_for_where_it_stands(
    url: str, told: str
) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(StartError) as raised:
            WebhookDesk(client, url, [SECRET], lambda: NOW, place="config/webhooks.yaml")
    assert str(raised.value) == told


async def test_a_receiver_that_is_down_for_two_days_is_still_told_by_the_schedule(
    desk_of: Make,
) -> None:
    clock, back = [NOW], NOW + timedelta(days=2)
    receiver = Receiver()
    desk = desk_of(receiver, now=lambda: clock[0])
    attempt = 1
    while not receiver.requests or clock[0] < back:
        receiver.answers = [httpx.Response(502)]
        with pytest.raises(Transient):
            await desk.deliver(notice())
        wait = retry_schedule(attempt, notice().id)
        assert wait is not None, "given up too early"
        clock[0] += wait
        attempt += 1
    await desk.deliver(notice())
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
