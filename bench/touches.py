"""Touches a second with scoring on, single and batched, against a bare app; what a touch costs among many
leads; and how long after the touch that crosses the threshold the handover's workflow starts.

Both servers run as processes of their own on a SQLite file, under uvicorn and uvloop. The product's is
`server.py` itself with the shipped playbook; Temporal is away, since a page view wakes nobody.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert
from sqlmodel import SQLModel
from temporalio.testing import WorkflowEnvironment

from bench.handover import SECRET
from embedded.temporal import PRAGMAS
from nurture.domain.keys import handover_id
from nurture.playbook.source import read_files
from nurture.shelf import Shelf
from nurture.store import migrate
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, IdentityRow, LeadRow, TouchRow
from tests.support.temporal import Stage, binary, free_port

ROOT = Path(__file__).parents[1]
FEW, MANY = 1_000, 100_000
BATCH, BATCHES, SINGLES, AT_ONCE, ROUNDS = 200, 6, 150, 4, 3
PAGES = 4
"""Pages that a visitor looks at, in the mean."""
HISTORY = 2
"""Touches that every lead has when the measuring begins."""
CROSSINGS = 60
JSON = {"content-type": "application/json"}
COURSES = ("data-science", "marketing", "finance", "operations")


async def measure(folder: Path) -> dict[str, Any]:
    few, many = await _product(folder / "few.db", FEW), await _product(folder / "many.db", MANY)
    bare = await _bare(folder / "bare.db")
    return {
        "leads": FEW,
        "batched_per_second": round(few["batched"]),
        "bare_batched_per_second": round(bare["batched"]),
        "batched_ratio": round(few["batched"] / bare["batched"], 2),
        "single_per_second": round(few["single"]),
        "bare_single_per_second": round(bare["single"]),
        "single_ratio": round(few["single"] / bare["single"], 2),
        f"ms_per_touch_at_{FEW}_leads": round(1000 / few["batched"], 3),
        f"ms_per_touch_at_{MANY}_leads": round(1000 / many["batched"], 3),
        "growth": round(few["batched"] / many["batched"], 2),
        "threshold_to_handover_ms": await _handovers(folder),
    }


async def _product(file: Path, leads: int) -> dict[str, float]:
    url = f"sqlite+aiosqlite:///{file}"
    db = Database(url)
    await migrate.upgrade(db)
    playbook = await Shelf(db).apply(read_files(ROOT), "bench", datetime.now(UTC))
    await _seed(db, leads, playbook.hash)
    await db.close()
    settings = {
        "NURTURE_DATABASE_URL": url,
        "NURTURE_WRITE_KEYS": "bench:wk",
        "NURTURE_SECRET_KEY": "0123456789abcdef" * 2,
        "NURTURE_REQUESTS_PER_SECOND": "1000000",
        "NURTURE_META_TOKEN": "bench",
        "NURTURE_SALES_SECRET": SECRET,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
    }
    async with _served([str(ROOT / "server.py")], settings) as client:
        return await _rates(client, leads)


async def _bare(file: Path) -> dict[str, float]:
    port = free_port()
    words = ["-m", "bench.bare", f"sqlite+aiosqlite:///{file}", str(port)]
    async with _served(words, {}, port) as client:
        return await _rates(client, FEW)


async def _rates(client: httpx.AsyncClient, leads: int) -> dict[str, float]:
    """The best of a few rounds each, in touches a second: what disturbs makes slower, never faster."""
    dice = random.Random(leads)
    await _rate(client, "/v1/batch", _batches(dice, leads, "warm"))
    batched = [
        BATCH * await _rate(client, "/v1/batch", _batches(dice, leads, f"b{n}"))
        for n in range(ROUNDS)
    ]
    single = [
        await _rate(client, "/v1/page", _singles(dice, leads, f"s{n}")) for n in range(ROUNDS)
    ]
    return {"batched": max(batched), "single": max(single)}


async def _rate(client: httpx.AsyncClient, path: str, bodies: Sequence[bytes]) -> float:
    """Requests a second, a few at once."""
    waiting = iter(bodies)

    async def send() -> None:
        for body in waiting:
            answer = await client.post(path, content=body, headers=JSON)
            assert answer.status_code == 200, answer.text[:300]

    started = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    return len(bodies) / (time.perf_counter() - started)


def _batches(dice: random.Random, leads: int, name: str) -> list[bytes]:
    """What a server-side SDK or a relay hands in at once: what some visitors did lately."""
    found = []
    for n in range(BATCHES):
        visitors = dice.sample(range(leads), BATCH // PAGES)
        batch = [
            message(dice, dice.choice(visitors), f"{name}-{n}-{k}", datetime.now(UTC))
            for k in range(BATCH)
        ]
        found.append(json.dumps({"writeKey": "wk", "batch": batch}).encode())
    return found


def _singles(dice: random.Random, leads: int, name: str) -> list[bytes]:
    told = (
        message(dice, dice.randrange(leads), f"{name}-{n}", datetime.now(UTC))
        for n in range(SINGLES)
    )
    return [json.dumps(each | {"writeKey": "wk"}).encode() for each in told]


def message(dice: random.Random, lead: int, name: str, at: datetime) -> dict[str, Any]:
    """A page view as Segment's browser SDK tells it, of somebody who identified in that browser before."""
    path = f"/courses/{dice.choice(COURSES)}"
    page = {
        "path": path,
        "referrer": "https://x-education.example/",
        "search": "",
        "title": "What you learn, when it begins and what it costs",
        "url": f"https://x-education.example{path}",
    }
    return {
        "type": "page",
        "messageId": f"ajs-next-{name}-5f0c7f3a-0bd2-4d52-8e0d",
        "anonymousId": f"browser-{lead}",
        "userId": f"u{lead}",
        "properties": page,
        "context": {
            "page": page,
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/142.0.0.0 Safari/537.36",
            "userAgentData": {
                "brands": [{"brand": "Chromium", "version": "142"}],
                "mobile": False,
                "platform": "Linux",
            },
            "library": {"name": "analytics.js", "version": "npm:next-1.81.1"},
            "locale": "en-GB",
            "timezone": "Europe/Copenhagen",
        },
        "integrations": {},
        "timestamp": (at - timedelta(seconds=dice.uniform(0, 30))).isoformat(),
        "sentAt": at.isoformat(),
    }


async def _seed(db: Database, leads: int, playbook: str) -> None:
    """Leads that identified in their browser, are in the welcome flow, and have a short history."""
    now = datetime.now(UTC)
    told = {"locale": "en-GB", "timezone": "Europe/Copenhagen"}
    told_at = dict.fromkeys(told, now.isoformat())
    for begin in range(0, leads, 10_000):
        rows: dict[type[SQLModel], list[SQLModel]] = defaultdict(list)
        for n in range(begin, min(begin + 10_000, leads)):
            lead_id = f"l{n}"
            rows[LeadRow].append(
                LeadRow(
                    id=lead_id,
                    email=f"l{n}@x.example",
                    stage="lead",
                    created_at=now,
                    scored_by=playbook,
                    traits=told,
                    traits_at=told_at,
                )
            )
            rows[IdentityRow] += [
                IdentityRow(kind="user", value=f"u{n}", lead_id=lead_id),
                IdentityRow(kind="anonymous", value=f"browser-{n}", lead_id=lead_id),
            ]
            rows[TouchRow] += [
                TouchRow(
                    id=f"t{n}-{k}",
                    lead_id=lead_id,
                    source="bench",
                    name="page",
                    at=now,
                    received_at=now,
                )
                for k in range(HISTORY)
            ]
            rows[EnrolmentRow].append(_run(n, playbook, now))
        async with db.write() as session:
            for table, found in rows.items():
                await session.execute(insert(table), [row.model_dump() for row in found])


def _run(number: int, playbook: str, now: datetime) -> EnrolmentRow:
    return EnrolmentRow(
        id=f"e{number}",
        lead_id=f"l{number}",
        flow="welcome",
        ordinal=1,
        playbook=playbook,
        step="welcome",
        since=now,
        started_at=now,
        wake_at=now + timedelta(days=5),
        listens=["stage"],
    )


@asynccontextmanager
async def _served(
    words: list[str], settings: dict[str, str], port: int | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    port = port or free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env={**os.environ, **settings, "NURTURE_HTTP_PORT": str(port)},
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            await _until_it_answers(client, process)
            yield client
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_it_answers(client: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        try:
            await client.get("/healthz")
            return
        except httpx.TransportError:
            await asyncio.sleep(0.1)
    raise RuntimeError(f"the server ended with {process.returncode}; see above")


async def _handovers(folder: Path) -> dict[str, float]:
    """From the call that takes the touch to the start of the handover's workflow, by Temporal's own clock."""
    pragmas = [option for pragma in PRAGMAS for option in ("--sqlite-pragma", pragma)]
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary("temporal"),
        dev_server_database_filename=str(folder / "temporal.db"),
        dev_server_log_level="error",
        dev_server_extra_args=pragmas,
    )
    took = []
    async with environment, Stage.open(environment, folder, sandbox=False) as stage:
        for n in range(CROSSINGS + 1):
            email, begun = f"lead-{n}@example.org", datetime.now(UTC)
            lead = await stage.world.tell(
                "demo_requested", email=email, traits={"occupation": "pro"}, at=begun, consents=()
            )
            workflow = stage.client.get_workflow_handle(f"handover/{handover_id(lead.id, 1)}")
            started = (await workflow.describe()).start_time
            took.append((started - begun).total_seconds() * 1000)
    ordered = sorted(took[1:])
    return {
        name: round(ordered[ceil(share * len(ordered)) - 1], 1)
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }
