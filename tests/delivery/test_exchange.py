"""Nobody outside can keep us reading: an answer has a size, and a time for the whole of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import cast

import httpx
import pytest

from nurture.access.accounts import Accounts
from nurture.access.company import CompanySignIn, Provider
from nurture.delivery import exchange
from nurture.delivery.ads import http as ads
from nurture.delivery.email import http as email
from nurture.delivery.feedback.sns import Sns
from nurture.delivery.sales import http as sales
from nurture.domain.errors import DeliveryError, InputError, Transient

URL = "https://outside.example/"
CHUNK = 256 * 1024
ENOUGH = 16 * 1024 * 1024
"""Bytes; more than anybody wants, and no more than a test should take."""


class Flood(httpx.AsyncBaseTransport):
    """Answers with more than anybody wants, and counts what is taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async def body() -> AsyncIterator[bytes]:
            while self.taken < ENOUGH:
                self.taken += CHUNK
                yield b" " * CHUNK

        return httpx.Response(200, content=body())


async def _mail(client: httpx.AsyncClient, flood: Flood) -> object:
    return await email.post(client, URL, {}, json={})


async def _audience(client: httpx.AsyncClient, flood: Flood) -> object:
    return await ads.exchange(client, "POST", URL, json={}, headers={})


async def _sales(client: httpx.AsyncClient, flood: Flood) -> object:
    return await sales.exchange(client, "GET", URL, headers={})


async def _sns(client: httpx.AsyncClient, flood: Flood) -> object:
    topic = "arn:aws:sns:eu-west-1:1:feedback"
    envelope = {"TopicArn": topic, "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?a=b"}
    return await Sns(client, [topic]).confirm(envelope)


async def _company(client: httpx.AsyncClient, flood: Flood) -> object:
    provider = Provider("https://id.example", "nurture", "secret")
    return await CompanySignIn(provider, cast(Accounts, None), flood).begin("https://back.example")


@pytest.mark.parametrize("ask", [_mail, _audience, _sales, _sns, _company])
async def test_an_answer_without_an_end_is_read_up_to_a_limit(
    ask: Callable[[httpx.AsyncClient, Flood], Awaitable[object]],
) -> None:
    flood = Flood()
    async with httpx.AsyncClient(transport=flood) as client:
        with suppress(DeliveryError, InputError):  # what is cut off may make no sense
            await ask(client, flood)
    assert 0 < flood.taken < ENOUGH


@pytest.mark.parametrize(("url", "key"), [("https://[::1", "key"), (URL, "key…")])
@pytest.mark.parametrize("ask", ["mail", "audience", "sales"])
async def test_an_address_or_a_key_that_no_request_holds_waits_for_an_operator(
    ask: str, url: str, key: str
) -> None:
    head = {"authorization": key}
    async with httpx.AsyncClient(transport=Flood()) as client:
        asks = {
            "mail": lambda: email.post(client, url, head, json={}),
            "audience": lambda: ads.exchange(client, "POST", url, json={}, headers=head),
            "sales": lambda: sales.exchange(client, "GET", url, headers=head),
        }
        with pytest.raises(Transient, match="no_request: its address or key") as raised:
            await asks[ask]()
    assert raised.value.retry_after == exchange.UNTIL_REPAIRED
    assert "…" not in str(raised.value)


async def test_an_answer_that_trickles_is_given_up_after_a_time_for_all_of_it() -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0)

    handler = httpx.MockTransport(lambda _: httpx.Response(200, content=trickle()))
    async with httpx.AsyncClient(transport=handler) as client:
        asked = client.build_request("GET", URL)
        with pytest.raises(TimeoutError):
            await exchange.whole(client, asked, seconds=0.01, most=ENOUGH)
