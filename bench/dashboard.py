"""How long the server takes for each page of the dashboard, with as many leads as a company may have.

The house of the tests over SQLite on disk, in this process: what is measured is everything between the request
and the last byte of the page, without a network.
"""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx

from bench import figures
from nurture.playbook.source import read_files
from nurture.shelf import Shelf
from nurture.store import migrate
from nurture.store.database import Database
from tests.support.house import Browser, House
from tests.support.world import World

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
    "/reports",
    "/reports?by=persona",
    "/reports?by=owner",
    "/playbook",
    "/system",
    "/accounts",
    "/tokens",
    "/audit",
    "/account",
)
ROUNDS = 5
LEADS = 100_000


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
            pages = {path: await _took(browser, path) for path in PAGES}
            deep = await _deep(browser)
    finally:
        await db.close()
    return {"leads": leads, "milliseconds": pages, "the 20th page of handovers": deep}


async def _took(browser: Browser, path: str) -> dict[str, float]:
    clock, processor = [], []
    for _ in range(ROUNDS + 1):
        began, worked = time.perf_counter(), time.process_time()
        answer = await browser.get(path)
        clock.append(1000 * (time.perf_counter() - began))
        processor.append(1000 * (time.process_time() - worked))
        assert answer.status_code == 200, (path, answer.text)
    return {
        "clock": round(min(clock[1:]), 1),
        "processor": round(sorted(processor[1:])[ROUNDS // 2], 1),
    }


async def _deep(browser: Browser) -> dict[str, float]:
    """By key, so as fast as the first."""
    path = "/handovers?which=over"
    for _ in range(19):
        path = _next(await browser.get(path))
    return await _took(browser, path)


def _next(page: httpx.Response) -> str:
    link = page.text.partition('class="pages"')[2].partition('href="')[2].partition('"')[0]
    assert link, "there is no next page"
    return link.replace("&amp;", "&")
