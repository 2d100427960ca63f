import asyncio
import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from commands.demo.leads import Planned
from commands.demo.website import Website
from nurture.domain.errors import Permanent

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLAN = [Planned(number / 10, {"type": "page", "messageId": str(number)}) for number in range(30)]


class Server:
    """Answers like /v1/batch, after the statuses it was told to give first."""

    def __init__(self, *first: int) -> None:
        self._first = list(first)
        self.messages: list[dict[str, Any]] = []
        self.auth = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self._first:
            return httpx.Response(self._first.pop(0), text="not now")
        self.auth = request.headers["authorization"]
        batch = json.loads(request.content)["batch"]
        self.messages += batch
        return httpx.Response(200, json={"success": True, "refused": []})


async def play(server: Callable[[httpx.Request], httpx.Response], day: float = 0.001) -> Website:
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as http:
        website = Website(http, "http://nurture/v1/batch", "key", day, lambda: NOW)
        await website.play(PLAN)
        return website


async def test_everything_is_sent_once_in_its_order_with_the_time_of_sending() -> None:
    server = Server()
    website = await play(server)
    assert [message["messageId"] for message in server.messages] == [str(n) for n in range(30)]
    assert {message["timestamp"] for message in server.messages} == {NOW.isoformat()}
    assert (website.sent, website.done) == (30, True)


async def test_a_message_waits_for_its_day() -> None:
    sent_at: list[float] = []
    clock = asyncio.get_running_loop().time

    def server(request: httpx.Request) -> httpx.Response:
        sent_at.append(clock())
        return httpx.Response(200, json={"refused": []})

    start = clock()
    await play(server, day=0.1)
    assert sent_at[-1] - start >= 0.29


async def test_the_write_key_is_the_user_of_basic_credentials() -> None:
    server = Server()
    await play(server)
    assert server.auth == "Basic " + base64.b64encode(b"key:").decode()


async def test_a_busy_server_is_asked_again_with_the_same_batch() -> None:
    server = Server(503, 429)
    assert (await play(server)).sent == 30
    assert len(server.messages) == 30


async def test_a_refusal_of_the_whole_batch_is_told_with_the_servers_words() -> None:
    with pytest.raises(Permanent, match="401 to what the website sends: not now"):
        await play(Server(401))


async def test_a_refused_message_is_remembered_with_its_reason() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        refused = [{"messageId": "1", "reason": "userId: needed"}]
        return httpx.Response(200, json={"success": True, "refused": refused})

    assert "userId: needed" in (await play(server)).refused
