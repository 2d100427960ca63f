"""What keeping an audience costs: 100,000 members for the first time, then 1 % of them changing.

The platform is Meta's strict stand-in in a process of its own, so that the memory measured is ours alone.
"""

import asyncio
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
from sqlalchemy import insert, update
from sqlmodel import col

from nurture.audiences.keeper import AudienceKeeper
from nurture.delivery.ads.meta import MetaAudiences
from nurture.domain.audience import Audience
from nurture.outbox import Outbox
from nurture.store import migrate
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.database import Database
from nurture.store.tables import LeadRow
from nurture.versions.shelf import Shelf

MEMBERS = 100_000
_PAGE = 5_000
_NAME, _TOKEN = "bench", "bench-token"
_SERVER = (
    "import asyncio, sys\n"
    "from embedded.ads.platform import AdPlatform\n"
    "async def serve():\n"
    "    platform = AdPlatform(0, sys.argv[1])\n"
    "    await platform.start()\n"
    "    print(platform.url, flush=True)\n"
    "    await asyncio.Event().wait()\n"
    "asyncio.run(serve())\n"
)


async def measure(folder: Path) -> dict[str, Any]:
    """Requests, seconds and peak memory in MB of the first sync, of the churn and of a sync with nothing to do."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVER, _TOKEN, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    url = (await server.stdout.readline()).decode().strip()
    db = Database(f"sqlite+aiosqlite:///{folder / 'audiences.db'}")
    try:
        await migrate.upgrade(db)
        calls = _Counter()
        async with httpx.AsyncClient(timeout=60, event_hooks={"request": [calls]}) as http:
            return await _measure(db, http, url, calls)
    finally:
        await db.close()
        server.kill()
        await server.wait()


async def _measure(
    db: Database, http: httpx.AsyncClient, url: str, calls: "_Counter"
) -> dict[str, Any]:
    now = datetime.now(UTC)
    await _fill(db, now)
    sink = MetaAudiences(http, url, "v26.0", _TOKEN)
    outbox = Outbox(db, _Nobody())
    keeper = AudienceKeeper(outbox, cast(Shelf, _OneBook()), {"meta": sink})
    figures: dict[str, Any] = {"members": MEMBERS}
    for what in ("first_sync", "nothing_to_do", "churn_1_percent"):
        now += timedelta(seconds=1)
        if what.startswith("churn"):
            await _churn(db, now)
        before, began = calls.number, time.perf_counter()
        await keeper.sync(_NAME, now)
        figures[what] = {
            "requests": calls.number - before,
            "seconds": round(time.perf_counter() - began, 1),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
    return figures


class _Counter:
    def __init__(self) -> None:
        self.number = 0

    async def __call__(self, request: httpx.Request) -> None:
        self.number += 1


class _OneBook:
    """All that a sync asks of a playbook. The first sync also compares every lead with it."""

    def __init__(self) -> None:
        audience = Audience(_NAME, "Bench", "meta", "238")
        self._book = SimpleNamespace(
            scored_by="bench", hash="bench", day=timedelta(days=1), audiences={_NAME: audience}
        )

    async def current(self, session: object) -> Any:
        return self._book


class _Nobody:
    async def wake(self, kind: str, key: str, flow: str = "", sender: str = "") -> None:
        """No workflow listens."""


async def _fill(db: Database, now: datetime) -> None:
    """Leads that consent, each to be on the list."""
    for start in range(0, MEMBERS, _PAGE):
        numbers = range(start, start + _PAGE)
        async with db.write() as session:
            await session.execute(insert(LeadRow), [_lead(n, now) for n in numbers])
            await session.execute(
                insert(AudienceMemberRow), [member(_NAME, _id(n), now) for n in numbers]
            )


async def _churn(db: Database, now: datetime) -> None:
    """Half a percent are to leave, half a percent are new."""
    half = MEMBERS // 200
    async with db.write() as session:
        leaving = update(AudienceMemberRow).where(col(AudienceMemberRow.lead_id) < _id(half))
        await session.execute(leaving.values(desired=False, next_try_at=now))
        numbers = range(MEMBERS, MEMBERS + half)
        await session.execute(insert(LeadRow), [_lead(n, now) for n in numbers])
        await session.execute(
            insert(AudienceMemberRow), [member(_NAME, _id(n), now) for n in numbers]
        )


def _lead(n: int, now: datetime) -> dict[str, Any]:
    row = LeadRow(
        id=_id(n),
        email=f"person{n}@firma.example",
        stage="lead",
        consents=["ad_audiences"],
        created_at=now,
        scored_by="bench",
    )
    return row.model_dump()


def member(audience: str, lead: str, now: datetime) -> dict[str, Any]:
    """The row of somebody who is to be on it."""
    row = AudienceMemberRow(
        audience=audience,
        lead_id=lead,
        by_step=True,
        desired=True,
        since=now,
        changed_at=now,
        next_try_at=now,
    )
    return row.model_dump()


def _id(n: int) -> str:
    return f"lead-{n:07}"
