"""Touches a second with scoring on, single and batched, against a bare app; what a touch costs among many
leads; and how long after the touch that crosses the threshold the handover's workflow starts.

Both servers run as processes of their own, under uvicorn and uvloop, on a SQLite file with the same settings. The
product's is `server.py` itself with the shipped playbook; Temporal is away, since a page view wakes nobody. A
batch is what a server-side SDK or a relay hands in: 200 messages of 1 KB, as Segment's browser SDK words them, from
50 visitors who identified before and stand in the welcome flow. The bare app checks the same messages and inserts
them in one statement: no identity, no points, nothing that follows, no message seen before.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from sqlalchemy import insert
from sqlmodel import SQLModel

from bench import ground
from bench.handover import SECRET
from nurture.domain import keys, scoring
from nurture.domain.lead import Touch
from nurture.playbook import Playbook
from nurture.playbook.source import read_files
from nurture.store import migrate, points
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, IdentityRow, LeadRow, TouchRow
from nurture.versions.shelf import Shelf
from tests.support.ports import free_port
from tests.support.temporal import Stage, dev_server

ROOT = Path(__file__).parents[1]
FEW, MANY = 1_000, 100_000
BATCH, BATCHES, SINGLES, ROUNDS = 200, 30, 100, 12
AT_ONCE = (4, 16)
"""Requests in flight: a relay and a few servers; or a busy site."""
PAGES = 4
"""Pages that a visitor looks at, in the mean."""
WAITED = timedelta(seconds=10)
"""So long messages wait at most until they are handed in, as in Segment's Node SDK (its `flushInterval`)."""
HISTORY = 6
"""Touches that every lead has when the measuring begins: as many as give points, so that in the end the few leads, who
come again and again, are no other than the many."""
CROSSINGS = 300
LEAD = "#-7c3e-7a41-8f0c-7f3a0bd2e5a1"
"""A lead's id, `#` being its number: as long as real ones, and like them in the order in which leads came. What stands
in an index is mostly ids."""
JSON = {"content-type": "application/json"}
COURSES = ("data-science", "marketing", "finance", "operations")


@dataclass(frozen=True)
class Rates:
    """Touches a second, and the server's processor time of a touch in a batch, in microseconds. The best of a few
    rounds: what disturbs makes slower, never faster."""

    batched: float
    single: float
    processor_us: float


@dataclass(frozen=True)
class Served:
    """A server, and how many leads it has."""

    client: httpx.AsyncClient
    pid: int
    leads: int


async def measure(folder: Path) -> dict[str, Any]:
    few, many = await _seeded(folder / "few.db", FEW), await _seeded(folder / "many.db", MANY)
    async with _product(few, FEW) as small, _product(many, MANY) as large, _bare(folder) as bare:
        told = {
            f"{at_once}_at_once": _compared(await _rounds((small, large, bare), at_once))
            for at_once in AT_ONCE
        }
    return {"leads": FEW, **told, "threshold_to_handover_ms": await _handovers(folder)}


def _compared(rounds: Sequence[Sequence[Rates]]) -> dict[str, float]:
    """Of few leads, many, and the bare app. `growth`: what a touch among many leads costs, of one among few in the same
    round; the middle of the rounds. By processor time and by the clock in batches, by the clock on its own (`single`).
    """
    few, _, bare = (_best(seen) for seen in zip(*rounds, strict=True))
    growth = median(each[1].processor_us / each[0].processor_us for each in rounds)
    by_the_clock = median(each[0].batched / each[1].batched for each in rounds)
    alone = median(each[0].single / each[1].single for each in rounds)
    return {
        "batched_per_second": round(few.batched),
        "bare_batched_per_second": round(bare.batched),
        "batched_ratio": round(few.batched / bare.batched, 2),
        "single_per_second": round(few.single),
        "bare_single_per_second": round(bare.single),
        "single_ratio": round(few.single / bare.single, 2),
        "processor_us": round(few.processor_us, 1),
        "bare_processor_us": round(bare.processor_us, 1),
        "processor_ratio": round(bare.processor_us / few.processor_us, 2),
        "growth": round(growth, 2),
        "growth_by_the_clock": round(by_the_clock, 2),
        "single_growth": round(alone, 2),
    }


async def _seeded(file: Path, leads: int) -> str:
    """A database with so many leads."""
    url = f"sqlite+aiosqlite:///{file}"
    db = Database(url)
    await migrate.upgrade(db)
    playbook = await Shelf(db).apply(read_files(ROOT), "bench", datetime.now(UTC))
    await _seed(db, leads, playbook)
    await db.close()
    return url


@asynccontextmanager
async def _product(url: str, leads: int) -> AsyncIterator[Served]:
    settings = {
        "NURTURE_DATABASE_URL": url,
        "NURTURE_WRITE_KEYS": "bench:wk",
        "NURTURE_SECRET_KEY": "0123456789abcdef" * 2,
        "NURTURE_REQUESTS_PER_SECOND": "1000000",
        "NURTURE_META_TOKEN": "bench",
        "NURTURE_SALES_SECRET": SECRET,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
    }
    async with _served([str(ROOT / "server.py")], settings) as (client, pid):
        yield Served(client, pid, leads)


@asynccontextmanager
async def _bare(folder: Path) -> AsyncIterator[Served]:
    port = free_port()
    words = ["-m", "bench.bare", f"sqlite+aiosqlite:///{folder / 'bare.db'}", str(port)]
    async with _served(words, {}, port) as (client, pid):
        yield Served(client, pid, FEW)


async def _rounds(servers: Sequence[Served], at_once: int) -> list[list[Rates]]:
    """Of each server in each. They take turns, since what else the machine does comes and goes."""
    for served in servers:
        await _rate(served.client, "/v1/batch", _batches(served, f"warm{at_once}"), at_once)
    return [
        [await _round(served, at_once, f"{at_once}-{number}") for served in servers]
        for number in range(ROUNDS)
    ]


async def _round(served: Served, at_once: int, name: str) -> Rates:
    bodies, before = _batches(served, f"b{name}"), ground.seconds(served.pid)
    batched = BATCH * await _rate(served.client, "/v1/batch", bodies, at_once)
    processor = (ground.seconds(served.pid) - before) / (BATCHES * BATCH)
    single = await _rate(served.client, "/v1/page", _singles(served, f"s{name}"), at_once)
    return Rates(batched, single, processor * 1_000_000)


def _best(seen: Sequence[Rates]) -> Rates:
    return Rates(
        max(each.batched for each in seen),
        max(each.single for each in seen),
        min(each.processor_us for each in seen),
    )


async def _rate(
    client: httpx.AsyncClient, path: str, bodies: Sequence[bytes], at_once: int
) -> float:
    """Requests a second."""
    waiting = iter(bodies)

    async def send() -> None:
        for body in waiting:
            answer = await client.post(path, content=body, headers=JSON)
            assert answer.status_code == 200, answer.text[:300]

    started = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(at_once)))
    return len(bodies) / (time.perf_counter() - started)


def _batches(served: Served, name: str) -> list[bytes]:
    """What a server-side SDK or a relay hands in at once: what some visitors did lately."""
    dice, leads = random.Random(name), served.leads
    found = []
    for n in range(BATCHES):
        visitors = dice.sample(range(leads), BATCH // PAGES)
        batch = [
            message(dice, dice.choice(visitors), f"{name}-{n}-{k}", datetime.now(UTC))
            for k in range(BATCH)
        ]
        found.append(json.dumps({"writeKey": "wk", "batch": batch}).encode())
    return found


def _singles(served: Served, name: str) -> list[bytes]:
    dice = random.Random(name)
    told = (
        message(dice, dice.randrange(served.leads), f"{name}-{n}", datetime.now(UTC))
        for n in range(SINGLES)
    )
    return [json.dumps(each | {"writeKey": "wk"}).encode() for each in told]


def message(dice: random.Random, lead: int, name: str, at: datetime) -> dict[str, Any]:
    """A page view as Segment's browser SDK tells it, of somebody who identified in that browser before."""
    path, seen = f"/courses/{dice.choice(COURSES)}", at - dice.random() * WAITED
    page = {
        "path": path,
        "referrer": "https://x-education.example/",
        "search": "",
        "title": "What you learn, when it begins and what it costs",
        "url": f"https://x-education.example{path}",
    }
    return {
        "type": "page",
        "messageId": _message_id(seen, name),
        "anonymousId": _of(lead, "browser-#"),
        "userId": _of(lead, "u#"),
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
        "timestamp": seen.isoformat(),
        "sentAt": at.isoformat(),
    }


def _message_id(at: datetime, name: str) -> str:
    """As Segment's browser and Node SDKs make them: from the time, and chance."""
    return f"ajs-next-{int(at.timestamp() * 1000)}-{name}-5f0c7f3a-0bd2-4d52-8e0d"


async def _seed(db: Database, leads: int, playbook: Playbook) -> None:
    """Leads that identified in their browser, are in the welcome flow, and looked at pages on the days before, in any
    order: a table that grew has room for what comes."""
    now, dice = datetime.now(UTC), random.Random(leads)
    for row in _one_lead(playbook, now):
        first = row.model_dump()
        await _insert(db, type(row), [_numbered(first, number) for number in range(leads)])
    for touch in _history(now):
        mixed = dice.sample(range(leads), leads)
        await _insert(db, TouchRow, [_seen(touch, number) for number in mixed])


async def _insert(db: Database, kind: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    for begin in range(0, len(rows), 10_000):
        async with db.write() as session:
            await session.execute(insert(kind), rows[begin : begin + 10_000])


def _numbered(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {
        name: _of(number, value) if isinstance(value, str) else value for name, value in row.items()
    }


def _of(number: int, text: str) -> str:
    return text.replace("#", f"{number:08}")


def _history(now: datetime) -> list[Touch]:
    """What each lead did, a page a day."""
    page = {"path": "/courses/marketing", "title": "What you learn"}
    days = [timedelta(days=day) for day in range(HISTORY, 0, -1)]
    return [Touch(f"#-{day.days}", "page", now - day, page) for day in days]


def _seen(touch: Touch, number: int) -> dict[str, Any]:
    name = _of(number, touch.id)
    row = TouchRow(
        id=keys.touch_id("bench", _message_id(touch.at, name)),
        lead_id=_of(number, LEAD),
        source="bench",
        name=touch.name,
        at=touch.at,
        received_at=touch.at,
        properties=dict(touch.properties),
    )
    return row.model_dump()


def _one_lead(playbook: Playbook, now: datetime) -> list[SQLModel]:
    """Its rows but for its touches; `#` stands for its number."""
    told = {"locale": "en-GB", "timezone": "Europe/Copenhagen"}
    rules = playbook.scoring
    earned = [entry for touch in _history(now) for entry in scoring.entries(rules, touch)]
    score = scoring.scored(rules, 0, earned, now)
    lead = LeadRow(
        id=LEAD,
        email="l#@x.example",
        stage="lead",
        created_at=now,
        engagement=score.engagement,
        grade=score.grade,
        scored_by=playbook.scored_by,
        next_score_at=scoring.next_change(rules, earned, now),
        tally=points.tally(rules, earned, now),
        traits=told,
        traits_at=dict.fromkeys(told, now.isoformat()),
    )
    run = EnrolmentRow(
        id="e#",
        lead_id=LEAD,
        flow="welcome",
        ordinal=1,
        playbook=playbook.hash,
        step="welcome",
        since=now,
        started_at=now,
        wake_at=now + timedelta(days=5),
        listens=["stage"],
    )
    names = [("user", "u#"), ("anonymous", "browser-#")]
    return [
        lead,
        *(IdentityRow(kind=kind, value=value, lead_id=LEAD) for kind, value in names),
        run,
    ]


@asynccontextmanager
async def _served(
    words: list[str], settings: dict[str, str], port: int | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, int]]:
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
            yield client, process.pid
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
    environment = await dev_server(folder)
    took = []
    async with environment, Stage.open(environment, folder, sandbox=False) as stage:
        for n in range(CROSSINGS + 1):
            email, begun = f"lead-{n}@example.org", datetime.now(UTC)
            lead = await stage.world.tell(
                "demo_requested", email=email, traits={"occupation": "pro"}, at=begun, consents=()
            )
            workflow = stage.client.get_workflow_handle(f"handover/{keys.handover_id(lead.id, 1)}")
            started = (await workflow.describe()).start_time
            took.append((started - begun).total_seconds() * 1000)
    ordered = sorted(took[1:])
    return {
        name: round(ordered[ceil(share * len(ordered)) - 1], 1)
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }
