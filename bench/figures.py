"""How fast the figures of both departments come, counted from the history of a million leads.

Two years of leads with their page views, stage changes, runs, mails, handovers and orders, on SQLite and on
PostgreSQL. A thousandth part is made row by row and multiplied inside the database.
"""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.figures import BY, Question
from nurture.reports import Reports
from nurture.store import migrate, words
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow, HandoverRuleRow, SaleRow
from nurture.store.tables import (
    EnrolmentRow,
    LeadRow,
    LeadWordRow,
    MessageRow,
    StageChangeRow,
    TouchRow,
)
from nurture.versions.shelf import Shelf
from tests.support.postgres import own_server
from tests.support.world import OneBook

SAMPLE, COPIES = 10_000, 99
LEADS = SAMPLE * (1 + COPIES)
_BEGAN, NOW = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 12, 20, tzinfo=UTC)
_STAGES = ("visitor", "lead", "mql", "sql", "customer")
_REACHED = (1, 2, 20, 40, 120)
"""Every so many of the leads came so far."""

_FIRST = ("Mette", "Anna", "Bo", "Lars", "Peter", "Hanne", "Ida", "Emma", "Freja", "Noah")
_LAST = ("Jensen", "Nielsen", "Hansen", "Pedersen", "Andersen", "Holm", "Bach", "Friis", "Dahl")

_TABLES = (
    LeadRow,
    LeadWordRow,
    TouchRow,
    StageChangeRow,
    EnrolmentRow,
    MessageRow,
    HandoverRow,
    HandoverRuleRow,
    SaleRow,
)
_KEYS = {"id", "lead_id", "enrolment_id", "handover_id", "email", "provider_id"}


async def measure(folder: Path) -> dict[str, Any]:
    """Milliseconds of the whole report and of the month's split by each dimension."""
    figures: dict[str, Any] = {"leads": LEADS}
    for name in ("sqlite", "postgresql"):
        sqlite = name == "sqlite"
        place = nullcontext(f"sqlite+aiosqlite:///{folder / 'figures.db'}")
        with place if sqlite else own_server() as url:
            db = Database(url)
            try:
                await migrate.upgrade(db)
                await fill(db)
                figures[name] = await _ask(Reports(db, cast(Shelf, OneBook())))
            finally:
                await db.close()
    return figures


async def _ask(reports: Reports) -> dict[str, float]:
    await reports.report(NOW)  # the first one finds the pages of the database
    took = {
        "summary": await _timed(reports.summary(NOW)),
        "month": await _timed(reports.report(NOW)),
    }
    for by in BY:
        took[f"by_{by}"] = await _timed(reports.report(NOW, Question(by=by)))
    return took


async def _timed(answer: Any) -> float:
    began = time.perf_counter()
    await answer
    return round(1000 * (time.perf_counter() - began), 1)


async def fill(db: Database, copies: int = COPIES) -> None:
    rows = [row for number in range(SAMPLE) for row in _life(number)]
    async with bulk(db) as session:
        for table in _TABLES:
            found = [row.model_dump() for row in rows if isinstance(row, table)]
            if table is StageChangeRow:
                found = [{key: row[key] for key in row if key != "id"} for row in found]
            await session.execute(insert(table), found)
    for table in _TABLES:
        async with bulk(db) as session:
            await _multiply(session, table, copies)
    async with db.write() as session:
        await session.execute(text("ANALYZE"))


@asynccontextmanager
async def bulk(db: Database) -> AsyncIterator[AsyncSession]:
    """A transaction in which PostgreSQL does not look up each foreign key, one by one, at the commit."""
    async with db.write() as session:
        if not db.sqlite:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
        yield session


async def _multiply(session: AsyncSession, table: Any, number: int) -> None:
    """Each row once more for every copy, of a lead of its own."""
    columns = [each.name for each in table.__table__.columns]
    if table is StageChangeRow:
        columns.remove("id")
    copied = ", ".join(f"row.{name}" + (_COPY if name in _KEYS else "") for name in columns)
    copies = (
        f"WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < {number})"
    )
    name = table.__tablename__
    await session.execute(
        text(
            f"INSERT INTO {name} ({', '.join(columns)}) "
            f"{copies} SELECT {copied} FROM {name} AS row CROSS JOIN copy"
        )
    )


_COPY = " || '-' || CAST(copy.n AS TEXT)"


def _life(number: int) -> Iterator[Any]:
    """One lead of the sample, spread evenly over the two years; each stage takes it some days."""
    id_, at = f"lead-{number}", _BEGAN + (NOW - _BEGAN) * number / SAMPLE
    reached = [stage for stage, every in zip(_STAGES, _REACHED, strict=True) if not number % every]
    email = f"lead-{number}@firm.example"
    called = _FIRST[number % len(_FIRST)], _LAST[number // 7 % len(_LAST)]
    yield from (LeadWordRow(word=word, lead_id=id_) for word in words.words(email, *called))
    yield LeadRow(
        id=id_,
        email=email,
        traits={"first_name": called[0], "last_name": called[1]},
        stage=reached[-1],
        persona=("pro", "student", None)[number % 3],
        source=("site", "fair", "import", "shop")[number % 4],
        created_at=at,
        first_touch_at=at,
    )
    for page in range(3):
        seen = at + timedelta(days=page)
        yield TouchRow(
            id=f"{id_}-{page}",
            lead_id=id_,
            source="site",
            name="page",
            at=seen,
            received_at=seen,
            properties={"path": f"/page/{page}"},
        )
    for days, stage in enumerate(reached):
        old = reached[days - 1] if days else None
        moved = at + timedelta(days=3 * days)
        way = f"{','.join(sorted(reached[:days]))}>{stage}"
        yield StageChangeRow(
            lead_id=id_, from_stage=old, to_stage=stage, at=moved, by="rule", way=way
        )
    if "lead" in reached:
        yield from _run(id_, at)
    if "mql" in reached:
        yield from _handed(id_, number, at + timedelta(days=6))
    if "customer" in reached:
        sold = at + timedelta(days=12)
        yield SaleRow(id=f"{id_}-s", lead_id=id_, amount=40_000, currency="DKK", at=sold)


def _run(lead: str, at: datetime) -> Iterator[Any]:
    run = EnrolmentRow(
        id=f"{lead}-e",
        lead_id=lead,
        flow="welcome",
        ordinal=1,
        playbook="p1",
        since=at,
        started_at=at,
        ended_at=at,
        ended="done",
    )
    yield run
    yield MessageRow(
        id=f"{lead}-m",
        enrolment_id=run.id,
        step="hello",
        lead_id=lead,
        flow="welcome",
        template="hello",
        sender="courses",
        state="accepted",
        provider_id=f"{lead}-p",
        claimed_at=at,
        sent_at=at,
    )


def _handed(lead: str, number: int, at: datetime) -> Iterator[Any]:
    rejected = number % 3 == 0
    handover = HandoverRow(
        id=f"{lead}-h",
        lead_id=lead,
        ordinal=1,
        playbook="p1",
        team="sales",
        owner=("Anna", "Bo", "Carla")[number % 3],
        state="rejected" if rejected else "contacted",
        reason="score",
        trigger="score",
        opened_at=at,
        due_at=at + timedelta(days=2),
        contacted_at=None if rejected else at + timedelta(hours=number % 72),
        closed_at=at + timedelta(days=1) if rejected else None,
        outcome="no budget" if rejected else None,
    )
    yield handover
    for rule in ("demo", "professional"):
        yield HandoverRuleRow(handover_id=handover.id, rule=rule, points=30)
