"""Looking into the inboxes, for those who play readers and sales."""

import asyncio
from typing import Any

import httpx
import pytest

from commands.demo.watching import Watch


class Reader:
    def __init__(self) -> None:
        self.read: list[str] = []

    async def handle(self, mail: dict[str, Any]) -> None:
        self.read.append(mail["id"])


async def test_who_stops_looking_half_way_leaves_nothing_undone_behind() -> None:
    """A mail was found, and the other inbox did not answer any more."""
    asked = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/mails":
            return httpx.Response(200, json={"mails": [{"id": "m1"}]})
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    reader: Any = Reader()
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        watch = Watch(http, "http://inbox", "http://sales", reader, reader)
        looking = asyncio.create_task(watch.run())
        await asked.wait()
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
    assert (watch.mails, reader.read) == (1, ["m1"])
