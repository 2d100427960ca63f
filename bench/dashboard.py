"""How long the server takes for each page of the dashboard, with as many leads as a company may have.

The house of the tests over SQLite on disk, in this process: what is measured is everything between the request
and the last byte of the page, without a network. `BENCH_LEADS=1000000` asks for more of them.
"""

import os
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import httpx

from bench import figures
from nurture.figures import BY
from nurture.playbook.source import read_files
from nurture.store import migrate
from nurture.store.database import Database
from nurture.versions.shelf import Shelf
from tests.support.house import Browser, House, csrf
from tests.support.world import World

CHOSEN = {"persona": "pro", "source": "site", "flow": "welcome", "owner": "Anna"}


def _reports() -> Iterator[str]:
    """Every split, of everybody, of those with each value, and of those with all of them; an old month, and CSV."""
    chosen = [{}, *({name: value} for name, value in CHOSEN.items()), CHOSEN]
    for by, only in product(("", *BY), chosen):
        yield f"/reports?{urlencode({'by': by, **only})}"
    yield "/reports?month=2025-02&by=persona"
    yield from (f"/reports/figures.csv?by={by}" for by in ("", *BY))


PAGES = (
    "/",
    "/leads",
    "/leads?stage=customer",
    "/flows",
    "/flows/welcome",
    "/mails",
    "/mails?state=unknown",
    "/mails?flow=welcome&step=welcome",
    "/handovers",
    "/handovers?which=over",
    "/handovers?owner=Anna",
    "/audiences",
    *_reports(),
    "/playbook",
    "/system",
    "/accounts",
    "/tokens",
    "/audit",
    "/account",
)
NAMES = ("m", "mette", "holm mette", "lead-77@firm", "nobody")
ROUNDS = 5
LEADS = int(os.environ.get("BENCH_LEADS", 100_000))

Ask = Callable[[], Awaitable[httpx.Response]]


async def measure(folder: Path, leads: int = LEADS) -> dict[str, Any]:
    """Milliseconds for each page, after one that finds the pages of the database: the shortest of ROUNDS by the
    clock, and the median of what they took of the processor, which says the same on a machine that is shared."""
    db = Database(f"sqlite+aiosqlite:///{folder / 'dashboard.db'}")
    try:
        await migrate.upgrade(db)
        shelf = Shelf(db)
        await shelf.apply(read_files(Path()), "bench", figures.NOW - timedelta(days=30))
        await figures.fill(db, leads // figures.SAMPLE - 1)
        house = House(World(db, cast(Any, shelf)))
        house.at = figures.NOW
        async with house.signed_in() as browser:
            pages = {path: await _took(partial(browser.get, path)) for path in PAGES}
            names = {name: await _took(await _search(browser, name)) for name in NAMES}
            deep = await _deep(browser)
    finally:
        await db.close()
    return {
        "leads": leads,
        "milliseconds": pages,
        "looking for a name": names,
        "the 20th page of handovers": deep,
    }


async def _took(ask: Ask) -> dict[str, float]:
    clock, processor = [], []
    for _ in range(ROUNDS + 1):
        began, worked = time.perf_counter(), time.process_time()
        answer = await ask()
        clock.append(1000 * (time.perf_counter() - began))
        processor.append(1000 * (time.process_time() - worked))
        assert answer.status_code == 200, (answer.url, answer.text)
    return {
        "clock": round(min(clock[1:]), 1),
        "processor": round(sorted(processor[1:])[ROUNDS // 2], 1),
    }


async def _deep(browser: Browser) -> dict[str, float]:
    """By key, so as fast as the first."""
    path = "/handovers?which=over"
    for _ in range(19):
        path = _next(await browser.get(path))
    return await _took(partial(browser.get, path))


async def _search(browser: Browser, name: str) -> Ask:
    fields = {"csrf": csrf((await browser.get("/leads")).text), "name": name}
    return partial(browser.client.post, "/leads/find", data=fields)


def _next(page: httpx.Response) -> str:
    link = page.text.partition('class="pages"')[2].partition('href="')[2].partition('"')[0]
    assert link, "there is no next page"
    return link.replace("&amp;", "&")
