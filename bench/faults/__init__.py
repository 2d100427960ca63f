"""Processes killed, receivers away, the clock wrong, the disk full: and in the end nothing lost, nothing twice.

`make bench ARGS=faults` runs 2,000 leads on PostgreSQL; tests/story/test_faults.py runs two short ones.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import col, func, select

from bench.faults import checker, crm, drill, plan
from bench.faults.checker import Verdict
from bench.faults.disk import small_disk
from bench.faults.ends import Call, Ends, Mail, Notice
from bench.faults.plan import Outage
from bench.faults.stage import Stage, opened
from embedded.ads.members import Row
from nurture.settings import Settings
from nurture.store import messages
from nurture.store.database import Database
from nurture.store.tables import LeadRow, MessageRow, TouchRow
from tests.support.ports import free_ports
from tests.support.postgres import own_postgres

PORTS = ("http", "smtp", "inbox", "sales", "ads", "temporal", "temporal_ui", "metrics")


@dataclass(frozen=True)
class Drill:
    """`day`: seconds that a day of the playbook lasts; leads arrive within `arrive` such days. The day is long enough
    that two cores would have time for all of it, were nothing away. `doors`: so many servers, and as many workers."""

    leads: int = 2000
    day: float = 60.0
    arrive: float = 8.0
    faults: int = 40
    seed: int = 1
    sqlite: bool = False
    doors: int = 2
    patience: float = 900.0


@dataclass(frozen=True)
class Outcome:
    leads: int
    verdict: Verdict
    outages: Sequence[Outage]
    seconds: float

    @property
    def away(self) -> float:
        """Seconds in which something was."""
        return sum(each.within(each.began, each.ended) for each in self.outages)


async def measure(folder: Path) -> dict[str, Any]:
    """The big one, on PostgreSQL, then a smaller one on SQLite with a full disk; each after a twin that nothing
    befalls, whose lateness is the machine's own."""
    leads = int(os.environ.get("NURTURE_BENCH_LEADS", Drill.leads))
    wishes = {
        "postgresql": Drill(leads),
        "sqlite": Drill(leads // 5, day=20.0, sqlite=True, faults=20, seed=2),
    }
    found: dict[str, Any] = {}
    for name, wish in wishes.items():
        twin = await run(folder / f"{name}-twin", replace(wish, faults=0))
        outcome = await run(folder / name, wish)
        found[name] = told(outcome) | {"twin_late_s": _lateness(twin.verdict)}
    return found


def _lateness(verdict: Verdict) -> dict[str, float]:
    return _spread(each.late for each in verdict.deadlines)


async def run(folder: Path, wish: Drill) -> Outcome:
    began = time.monotonic()
    with ExitStack() as stack:
        postgres = None if wish.sqlite else stack.enter_context(own_postgres())
        disk = stack.enter_context(small_disk(folder / "disk")) if wish.sqlite else None
        where = postgres.url if postgres else f"sqlite+aiosqlite:///{(disk or folder) / 'n.db'}"
        [port] = free_ports(1)
        settings = _settings(folder, wish, where, crm.url(port))
        async with opened(settings, postgres, disk, port, wish.doors) as stage:
            planned = plan.faults(wish.seed, sorted(stage.parts), wish.faults)
            outages, _ = await asyncio.gather(plan.play(planned, stage.parts), _arrive(stage, wish))
            verdict = await _settled(stage, wish, outages)
    return Outcome(wish.leads, verdict, outages, time.monotonic() - began)


def _settings(folder: Path, wish: Drill, database: str, hook: str) -> Settings:
    found = zip(PORTS, free_ports(len(PORTS)), strict=True)
    ports: dict[str, Any] = {f"{name}_port": port for name, port in found}
    return Settings(
        data_dir=folder / "data",
        playbook_dir=drill.write(folder / "playbook", hook),
        database_url=database,
        pace=f"1 day = {wish.day} s",
        **ports,
    )


_GROUP = 4
"""People of whom several servers hear at once."""


async def _arrive(stage: Stage, wish: Drill) -> None:
    """All leads, some at a time, and some time in their second half all guests at once. Of these each server is told
    all, at the same moment as the others and in an order of its own, and again under the same ids until it has taken
    it."""
    _, _, key = stage.settings.server_keys.get_secret_value().partition(":")
    chance = random.Random(wish.seed)
    async with httpx.AsyncClient(timeout=20, auth=(key, "")) as http:
        begins = range(0, wish.leads, _GROUP)
        party = chance.choice(begins[len(begins) // 2 :])
        for first in begins:
            people = range(first, min(first + _GROUP, wish.leads))
            await _spread_word(http, stage, drill.mixed(people, chance))
            if first == party:
                guests = [drill.invitation(n) for n in range(drill.guests(wish.leads))]
                await _spread_word(http, stage, drill.twice(guests, chance))
            await asyncio.sleep(len(people) * wish.arrive * wish.day / wish.leads)


async def _spread_word(
    http: httpx.AsyncClient, stage: Stage, batches: Sequence[Sequence[drill.Message]]
) -> None:
    servers = (stage.servers * len(batches))[: len(batches)]
    await asyncio.gather(
        *(_tell(http, url, batch) for url, batch in zip(servers, batches, strict=True))
    )


async def _tell(http: httpx.AsyncClient, server: str, batch: Sequence[drill.Message]) -> None:
    while not await _taken(http, f"{server}/v1/batch", batch):  # noqa: ASYNC110 - a server raises no event
        await asyncio.sleep(0.5)


async def _taken(http: httpx.AsyncClient, url: str, batch: Sequence[drill.Message]) -> bool:
    """Raises HTTPStatusError when the server says it never will."""
    try:
        answer = await http.post(url, json={"batch": batch})
    except httpx.TransportError:
        return False
    if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return False
    told = answer.raise_for_status().json()
    return bool(told["success"] and not told["refused"])


async def _settled(stage: Stage, wish: Drill, outages: Sequence[Outage]) -> Verdict:
    """The verdict once it is clean, and again a little later; else the last one when patience ends."""
    end = time.monotonic() + wish.patience
    while True:
        verdict = checker.judge(wish.leads, await _ends(stage), wish.day, outages)
        if verdict.clean or verdict.doubled or time.monotonic() > end:
            break
        await asyncio.sleep(1)
    await asyncio.sleep(wish.day / 2)
    return checker.judge(wish.leads, await _ends(stage), wish.day, outages)


async def _ends(stage: Stage) -> Ends:
    mailbox = stage.now("smtp").mailbox
    mails = [Mail(mail.to, mail.subject, mailbox.came_at(mail.id)) for mail in mailbox.list()]
    notices = [
        Notice(
            notice.type,
            notice.data["handover"]["id"],
            notice.data["lead"]["email"],
            datetime.fromisoformat(notice.timestamp),
            datetime.fromisoformat(notice.came_at),
        )
        for notice in stage.now("webhook").notices
    ]
    members = [_address(row) for row in stage.now("ads").meta.members.rows(drill.AUDIENCE)]
    db = Database(stage.settings.database)
    try:
        calls = await _calls(db, stage.crm)
        return Ends(mails, notices, calls, members, await _unknown(db), await _pages(db))
    finally:
        await db.close()


def _address(row: Row) -> str:
    """By which hash a member was told; without any, what else it was told by."""
    names = dict(name.split(":", 1) for name in row)
    return names.get("EMAIL", row[0])


async def _calls(db: Database, end: crm.Crm) -> list[Call]:
    """With the address of whom each names by an id; who is not known stays one."""
    async with db.read() as session:
        rows = (await session.execute(select(col(LeadRow.id), col(LeadRow.email)))).all()
    known = {id_: str(email) for id_, email in rows}
    return [
        Call(each.id, each.data["flow"], known.get(who, who), each.at)
        for each in end.taken
        for who in [each.data["lead"]["id"]]
    ]


async def _unknown(db: Database) -> Mapping[tuple[str, str], datetime]:
    query = (
        select(col(LeadRow.email), col(MessageRow.step), col(MessageRow.claimed_at))
        .join(MessageRow, col(MessageRow.lead_id) == col(LeadRow.id))
        .where(col(MessageRow.state) == messages.UNKNOWN)
    )
    async with db.read() as session:
        rows = (await session.execute(query)).all()
    return {(str(who), step): at for who, step, at in rows}


async def _pages(db: Database) -> Mapping[str, int]:
    query = (
        select(col(LeadRow.email), func.count())
        .join(TouchRow, col(TouchRow.lead_id) == col(LeadRow.id))
        .where(col(TouchRow.name) == "page")
        .group_by(col(LeadRow.email))
    )
    async with db.read() as session:
        return {str(who): number for who, number in (await session.execute(query)).all()}


def told(outcome: Outcome) -> dict[str, Any]:
    verdict, every = outcome.verdict, outcome.verdict.deadlines
    latest = sorted(every, key=lambda each: -each.beyond)[:5]
    wrong = verdict.lost + verdict.doubled + verdict.stray + verdict.doubted + verdict.disordered
    return {
        "leads": outcome.leads,
        "guests": drill.guests(outcome.leads),
        "lost": len(verdict.lost),
        "silent_duplicates": len(verdict.doubled),
        "out_of_order": len(verdict.disordered),
        "stray": len(verdict.stray),
        "unknown_and_reported": verdict.unknown,
        "calls_made_again": verdict.again,
        "unknown_or_again_with_nothing_away": len(verdict.doubted),
        "examples": wrong[:5],
        "early": [each.what for each in verdict.early()],
        "deadlines_unexplained": len(verdict.unexplained()),
        "faults": dict(Counter(outage.kind for outage in outcome.outages)),
        "seconds_away": round(outcome.away, 1),
        "seconds": round(outcome.seconds, 1),
        "late_s": _lateness(verdict),
        "handovers_late_s": _spread(e.late for e in every if e.what.startswith("handover")),
        "later_than_the_outage_s": _spread(each.beyond for each in every if not each.calm),
        "late_with_nothing_away_s": _spread(each.late for each in every if each.calm),
        "latest": [
            f"{each.what}: {each.beyond:.1f} s, {each.away:.1f} s away in {each.hits}"
            for each in latest
        ],
    }


def _spread(seconds: Iterable[float]) -> dict[str, float]:
    found = sorted(seconds)
    if not found:
        return {"number": 0}
    return {
        "number": len(found),
        "p50": round(found[len(found) // 2], 2),
        "p99": round(found[int(len(found) * 0.99)], 2),
        "max": round(found[-1], 2),
    }
