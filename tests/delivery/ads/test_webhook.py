"""Audiences for any other receiver."""

import json
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from nurture.delivery.ads.hashing import sha256
from nurture.delivery.ads.webhook import WebhookAudiences
from nurture.domain.errors import Gone, Permanent, Transient
from nurture.ports import Person
from tests.support.ads import SOREN, crowd

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """Verifies with the specification's own library."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: list[dict[str, object]] = []
        self.ids: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        Webhook(SECRET).verify(request.content, dict(request.headers))
        self.taken.append(json.loads(request.content))
        self.ids.append(request.headers["webhook-id"])
        return httpx.Response(self.status, headers={"Retry-After": "7"})


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def sink(receiver: Receiver) -> WebhookAudiences:
    client = httpx.AsyncClient(transport=httpx.MockTransport(receiver))
    return WebhookAudiences(client, "http://them/hook", [SECRET], lambda: datetime.now(UTC))


async def test_people_are_named_by_the_hash_of_their_address(
    receiver: Receiver, sink: WebhookAudiences
) -> None:
    digest = sha256("foo.bar+x@gmail.com")
    applied = await sink.add("hesitating", [SOREN, Person("nobody")])
    await sink.remove("hesitating", [SOREN])
    assert applied.refused == {"nobody": "no_identifier"}
    assert receiver.taken == [
        {"audience": "hesitating", "add": [digest], "remove": []},
        {"audience": "hesitating", "add": [], "remove": [digest]},
    ]


async def test_an_addition_made_again_later_is_not_taken_for_a_repetition(
    receiver: Receiver, sink: WebhookAudiences
) -> None:
    await sink.add("a", crowd(1))
    await sink.remove("a", crowd(1))
    await sink.add("a", crowd(1))
    assert len(set(receiver.ids)) == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [(410, Gone), (429, Transient), (500, Transient), (400, Permanent), (302, Permanent)],
)
async def test_the_receivers_answer_decides_about_another_try(
    receiver: Receiver, sink: WebhookAudiences, status: int, kind: type[Exception]
) -> None:
    receiver.status = status
    with pytest.raises(kind) as caught:
        await sink.add("a", crowd(1))
    assert type(caught.value) is kind
    if isinstance(caught.value, Transient):
        assert caught.value.retry_after is not None
        assert caught.value.retry_after.total_seconds() == 7
