"""From the handover's start to sales' webhook received: p50 and p99 in milliseconds.

As `nurture up` runs: Temporal's dev server and the database on SQLite files, the real worker, and a real HTTP
server on this machine that takes the signed calls. First one lead at a time, then many at once.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

import httpx

from nurture.delivery.sales.webhook import WebhookDesk
from nurture.store.tables import LeadRow
from tests.support.temporal import Stage, dev_server

SECRET = "whsec_" + "Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0ND"
ALONE, TOGETHER = 60, 100


class Receiver:
    """Notes when each handover's first call arrived."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """The address that it listens on."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"

    async def wait_for(self, handovers: list[str]) -> None:
        async with self._news:
            await self._news.wait_for(lambda: self.arrived.keys() >= set(handovers))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = next(
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            event = json.loads(await reader.readexactly(length))
            async with self._news:
                self.arrived.setdefault(event["data"]["handover"]["id"], time.perf_counter())
                self._news.notify_all()
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
        writer.close()


async def measure(folder: Path) -> dict[str, Any]:
    environment = await dev_server(folder)
    receiver = Receiver()
    async with (
        environment,
        Stage.open(environment, folder, sandbox=False) as stage,
        receiver.open() as url,
        httpx.AsyncClient() as client,
    ):
        stage.sales.through = WebhookDesk(client, url, [SECRET], lambda: datetime.now(UTC))
        leads = await _leads(stage, ALONE + TOGETHER + 1)
        await _hand_over(stage, receiver, leads[:1])  # the first one warms up
        alone = [await _hand_over(stage, receiver, [lead]) for lead in leads[1 : ALONE + 1]]
        together = await _hand_over(stage, receiver, leads[ALONE + 1 :])
    return {
        "alone_ms": _quantiles([took for each in alone for took in each]),
        f"{TOGETHER}_at_once_ms": _quantiles(together),
    }


async def _leads(stage: Stage, number: int) -> list[str]:
    now = datetime.now(UTC)
    rows = [
        LeadRow(id=f"lead-{n}", email=f"lead-{n}@example.org", stage="lead", created_at=now)
        for n in range(number)
    ]
    async with stage.world.db.write() as session:
        session.add_all(rows)
        return [row.id for row in rows]


async def _hand_over(stage: Stage, receiver: Receiver, leads: list[str]) -> list[float]:
    """Seconds from the moment each was given to sales until the call arrived."""
    started: dict[str, float] = {}

    async def give(lead: str) -> None:
        begun = time.perf_counter()
        handover = await stage.world.desk.open(lead, "bench", "bench", datetime.now(UTC))
        started[handover] = begun

    await asyncio.gather(*(give(lead) for lead in leads))
    await receiver.wait_for(list(started))
    return [receiver.arrived[handover] - begun for handover, begun in started.items()]


def _quantiles(seconds: list[float]) -> dict[str, float]:
    """By nearest rank, in milliseconds."""
    ordered = sorted(seconds)
    return {
        name: round(1000 * ordered[ceil(share * len(ordered)) - 1], 1)
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return b""
