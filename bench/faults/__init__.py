"""Processes killed, receivers away, the clock wrong, the disk full: and in the end nothing lost, nothing twice.

`make bench ARGS=faults` runs 2,000 leads on PostgreSQL; tests/story/test_faults.py runs a short one.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import col, select

from bench.faults import checker, drill, plan
from bench.faults.checker import Ends, Verdict
from bench.faults.disk import small_disk
from bench.faults.stage import Stage, opened
from embedded import local
from nurture.settings import Settings
from nurture.store import messages
from nurture.store.database import Database
from nurture.store.tables import LeadRow, MessageRow
from tests.support.postgres import own_postgres
from tests.support.temporal import free_port

PORTS = ("http", "smtp", "inbox", "sales", "ads", "temporal", "temporal_ui", "metrics")


@dataclass(frozen=True)
class Drill:
    """`day`: seconds that a day of the playbook lasts; leads arrive within `arrive` such days."""

    leads: int = 2000
    day: float = 20.0
    arrive: float = 8.0
    faults: int = 40
    seed: int = 1
    sqlite: bool = False
    patience: float = 900.0


@dataclass(frozen=True)
class Outcome:
    verdict: Verdict
    away: float
    played: Sequence[str]
    seconds: float


async def measure(folder: Path) -> dict[str, Any]:
    """The big one, on PostgreSQL, then a smaller one on SQLite with a full disk."""
    leads = int(os.environ.get("NURTURE_BENCH_LEADS", Drill.leads))
    big = await run(folder / "postgresql", Drill(leads=leads))
    small = await run(folder / "sqlite", Drill(leads=leads // 5, sqlite=True, faults=20, seed=2))
    return {"postgresql": _told(big), "sqlite": _told(small)}


async def run(folder: Path, wish: Drill) -> Outcome:
    began = time.monotonic()
    with ExitStack() as stack:
        postgres = None if wish.sqlite else stack.enter_context(own_postgres())
        disk = stack.enter_context(small_disk(folder / "disk")) if wish.sqlite else None
        where = postgres.url if postgres else f"sqlite+aiosqlite:///{(disk or folder) / 'n.db'}"
        settings = _settings(folder, wish, where)
        async with opened(settings, postgres, disk) as stage:
            planned = plan.faults(wish.seed, sorted(stage.parts), wish.faults)
            away, _ = await asyncio.gather(plan.play(planned, stage.parts), _arrive(stage, wish))
            verdict = await _settled(stage, wish)
    played = [fault.part for fault in planned]
    return Outcome(verdict, away, played, time.monotonic() - began)


def _settings(folder: Path, wish: Drill, database: str) -> Settings:
    ports: dict[str, Any] = {f"{name}_port": free_port() for name in PORTS}
    return Settings(
        data_dir=folder / "data",
        playbook_dir=drill.write(folder / "playbook"),
        database_url=database,
        pace=f"1 day = {wish.day} s",
        **ports,
    )


async def _arrive(stage: Stage, wish: Drill) -> None:
    """All leads, one after another, each sent under the same id until it is taken."""
    _, _, key = stage.settings.server_keys.get_secret_value().partition(":")
    url = f"{local.server(stage.settings)}/v1/batch"
    async with httpx.AsyncClient(timeout=20, auth=(key, "")) as http:
        for number in range(wish.leads):
            while not await _taken(http, url, drill.message(number)):  # noqa: ASYNC110 - a server raises no event
                await asyncio.sleep(0.5)
            await asyncio.sleep(wish.arrive * wish.day / wish.leads)


async def _taken(http: httpx.AsyncClient, url: str, message: Any) -> bool:
    """Raises HTTPStatusError when the server says it never will."""
    try:
        answer = await http.post(url, json={"batch": [message]})
    except httpx.TransportError:
        return False
    if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return False
    return bool(answer.raise_for_status().json()["success"])


async def _settled(stage: Stage, wish: Drill) -> Verdict:
    """The verdict once it is clean, and again a little later; else the last one when patience ends."""
    end = time.monotonic() + wish.patience
    while True:
        verdict = checker.judge(wish.leads, await _ends(stage), wish.day)
        if verdict.clean or verdict.doubled or time.monotonic() > end:
            break
        await asyncio.sleep(1)
    await asyncio.sleep(wish.day / 2)
    return checker.judge(wish.leads, await _ends(stage), wish.day)


async def _ends(stage: Stage) -> Ends:
    mails = [
        checker.Mail(mail.to, mail.subject, datetime.fromisoformat(mail.date))
        for mail in stage.now("smtp").mailbox.list()
    ]
    notices = [
        checker.Notice(
            notice.type,
            notice.data["handover"]["id"],
            notice.data["lead"]["email"],
            datetime.fromisoformat(notice.timestamp),
        )
        for notice in stage.now("webhook").notices
    ]
    members = stage.now("ads").meta.members.size(drill.AUDIENCE)
    return Ends(mails, notices, members, await _unknown(stage.settings))


async def _unknown(settings: Settings) -> frozenset[tuple[str, str]]:
    query = (
        select(col(LeadRow.email), col(MessageRow.step))
        .join(MessageRow, col(MessageRow.lead_id) == col(LeadRow.id))
        .where(col(MessageRow.state) == messages.UNKNOWN)
    )
    db = Database(settings.database)
    try:
        async with db.read() as session:
            return frozenset((str(who), step) for who, step in (await session.execute(query)).all())
    finally:
        await db.close()


def _told(outcome: Outcome) -> dict[str, Any]:
    verdict, late = outcome.verdict, outcome.verdict.late
    return {
        "lost": len(verdict.lost),
        "silent_duplicates": len(verdict.doubled),
        "out_of_order": len(verdict.disordered),
        "unknown_and_reported": verdict.unknown,
        "examples": (verdict.lost + verdict.doubled + verdict.disordered)[:5],
        "faults": len(outcome.played),
        "seconds_away": round(outcome.away, 1),
        "seconds": round(outcome.seconds, 1),
        "late_p50_s": round(late[len(late) // 2], 2) if late else None,
        "late_p99_s": round(late[int(len(late) * 0.99)], 2) if late else None,
        "late_max_s": round(late[-1], 2) if late else None,
    }
