"""What the database does for every statement that runs while leads live: which index it takes, and how long it needs
with a million leads.

The statements are not listed by hand: the use cases run once and are listened to.
"""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlmodel import SQLModel

from bench import figures
from bench.deeds import Deeds
from bench.seldom import GIVEN_UP
from nurture.store import migrate
from nurture.store.database import Database
from tests.support.postgres import own_server

LEADS = int(os.environ.get("BENCH_PLANS", str(figures.LEADS)))

_FEW = 1000
"""Rows that may be read from end to end."""

_NEARLY_ALL = "(merged_into=? AND erased_at=?)"
"""Few leads were joined into others or erased."""

BIG = frozenset(
    {"lead", "identity", "touch", "stage_change", "consent", "enrolment", "message"}
    | {"handover", "handover_event", "handover_rule", "notice", "sale", "audience_member"}
    | {"feedback", "call", "wakeup"}
)
"""Tables that grow with the leads."""


@dataclass(frozen=True)
class Statement:
    """As it went to the database, and what it was part of."""

    of: str
    sql: str
    values: Any


@dataclass(frozen=True)
class Plan:
    statement: Statement
    reads: tuple[str, ...]
    """How each table is got at, in the database's words."""
    scans: tuple[str, ...]
    """Big tables that are read from end to end."""
    ms: float


async def measure(folder: Path) -> dict[str, Any]:
    """The slowest statements and every scan of a big table, on SQLite and on PostgreSQL."""
    found: dict[str, Any] = {"leads": LEADS}
    for name in ("sqlite", "postgresql"):
        place = nullcontext(f"sqlite+aiosqlite:///{folder / 'plans.db'}")
        with place if name == "sqlite" else own_server() as url:
            db = Database(url)
            try:
                await migrate.upgrade(db)
                await figures.fill(db, max(LEADS // figures.SAMPLE - 1, 0))
                await around(db)
                plans = await explained(db, figures.NOW)
            finally:
                await db.close()
        slowest = sorted(plans, key=lambda plan: -plan.ms)[:5]
        found[name] = {
            "statements": len(plans),
            "scans_of_big_tables": [f"{p.statement.of}: {p.scans}" for p in plans if p.scans],
            "over_10_ms": sum(plan.ms > 10 for plan in plans),
            "p50_ms": round(sorted(plan.ms for plan in plans)[len(plans) // 2], 2),
            "slowest": [
                {"of": p.statement.of, "ms": round(p.ms, 1), "sql": _short(p.statement.sql)}
                for p in slowest
            ],
        }
    return found


async def around(db: Database) -> None:
    """What the figures have no need of: visitors without a name, names, requests, points, lists, what was told, proofs
    of consent, and a run of every lead that waits."""
    for sql in _AROUND:
        async with figures.bulk(db) as session:
            await session.execute(text(sql))
    for sql in _FORGET_STATISTICS if db.sqlite else ("ANALYZE",):
        async with db.write() as session:
            await session.execute(text(sql))


_FORGET_STATISTICS = ("DROP TABLE IF EXISTS sqlite_stat1", "DROP TABLE IF EXISTS sqlite_stat4")
"""PostgreSQL collects them by itself; on SQLite nobody does, and its plans are others with them."""

_LISTS = '\'["email_marketing", "ad_audiences"]\''
_AROUND = (
    "INSERT INTO audience (name, platform, external_id, paused, compared_at, compared_by, cursor, attempts, error)"
    " VALUES ('hesitating', 'meta', '238', false, '2026-12-20 00:00:00', 'p1', '', 0, '')",
    "UPDATE lead SET email = NULL WHERE stage = 'visitor' AND id LIKE '%3'",
    "INSERT INTO identity (kind, value, lead_id)"
    " SELECT CASE WHEN email IS NULL THEN 'anonymous' ELSE 'email' END, coalesce(email, id), id FROM lead",
    "INSERT INTO consent_request (lead_id, purpose, at, source, wording)"
    " SELECT id, 'email_marketing', created_at, 'form/guide', '' FROM lead WHERE id LIKE '%77'",
    "INSERT INTO consent (lead_id, purpose, granted, at, source, wording)"
    " SELECT id, 'email_marketing', true, created_at, 'site', '' FROM lead",
    "INSERT INTO audience_member (audience, lead_id, desired, confirmed, named, changed_at, next_try_at, attempts,"
    " error, objects, confirmed_at, email_hash)"
    " SELECT 'hesitating', lead_id, true, true, true, at, at, 0, '', false, at, lead_id FROM touch"
    " WHERE id LIKE '%-0' OR id LIKE '%-0-%' ON CONFLICT DO NOTHING",
    "INSERT INTO audience_member (audience, lead_id, desired, confirmed, named, changed_at, next_try_at, attempts,"
    " error, objects, confirmed_at)"
    f" SELECT '{GIVEN_UP}', id, false, true, true, created_at, created_at, 0, '', false, created_at FROM lead"
    " WHERE stage = 'mql'",
    "INSERT INTO enrolment (id, lead_id, flow, ordinal, playbook, step, since, wake_at, listens, held, waited, again,"
    " started_at, reason) SELECT 'open-' || id, id, 'welcome', 2, 'p1', 'hello', created_at, '2027-01-04 08:00:00',"
    " '[]', '', '', '[]', created_at, '' FROM lead",
    "INSERT INTO feedback (id, provider, kind, at, received_at, message_id, lead_id, reason, raw)"
    " SELECT 'f-' || id, 'resend', 'delivered', claimed_at, claimed_at, id, lead_id, '', '' FROM message",
    "INSERT INTO call (id, enrolment_id, endpoint, data, created_at, attempts, delivered_at, error)"
    " SELECT 'c-' || id, id, 'crm', '{}', started_at, 1, started_at, '' FROM enrolment WHERE ended IS NOT NULL",
    "INSERT INTO notice (id, handover_id, number, type, data, created_at, attempts, error, delivered_at)"
    " SELECT 'n-' || id, id, 1, 'lead.handover.created', '{}', opened_at, 1, '', opened_at FROM handover",
    "INSERT INTO handover_event (handover_id, kind, at, by, detail)"
    " SELECT id, 'opened', opened_at, 'score', '' FROM handover",
)


async def explained(db: Database, now: datetime, few: bool = False) -> list[Plan]:
    """The plan of each different statement that the deeds make. `few`: there are too few rows for PostgreSQL to choose
    an index by itself."""
    heard: dict[str, Statement] = {}
    for name, do in Deeds(db, now).all().items():
        with _listened(db, name, heard):
            await do()
    return [await plan_of(db, statement, few) for statement in heard.values()]


async def plan_of(db: Database, statement: Statement, few: bool = False) -> Plan:
    """Nothing stays changed by it."""
    return await _sqlite(db, statement) if db.sqlite else await _postgresql(db, statement, few)


@contextmanager
def _listened(db: Database, of: str, heard: dict[str, Statement]) -> Iterator[None]:
    """Each different statement once, while the block runs."""

    def hear(_: Any, __: Any, sql: str, values: Any, ___: Any, many: bool) -> None:
        if re.match(r"\s*(SELECT|UPDATE|DELETE|WITH)\b", sql):
            shape = re.sub(
                r"\((?:[^()]*[?$][^()]*)\)", "()", sql
            )  # however many rows or ids there are
            one: Any = next(iter(values)) if many else values
            heard.setdefault(shape, Statement(of, sql, one))

    engines = {db.engine.sync_engine, db._writer.sync_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    try:
        yield
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", hear)


async def _sqlite(db: Database, it: Statement) -> Plan:
    """SEARCH goes by an index; SCAN reads a table, or an index of it, from end to end. So does a search for what is
    true of nearly all."""
    async with db.engine.connect() as connection:
        told = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {it.sql}", it.values)
        steps = [str(row.detail) for row in told.all()]
        reads = tuple(step for step in steps if step.startswith(("SEARCH", "SCAN")))
        scans = [
            read.split()[1]
            for read in reads
            if (read.startswith("SCAN") or read.endswith(_NEARLY_ALL)) and not _partial(read)
        ]
        began = time.perf_counter()
        (await connection.exec_driver_sql(it.sql, it.values)).close()
        took = 1000 * (time.perf_counter() - began)
        await connection.rollback()
    return Plan(it, reads, _big(it.sql, scans), took)


async def _postgresql(db: Database, it: Statement, few: bool) -> Plan:
    """A node of the plan that reads a table without a condition on an index reads all of it."""
    async with db.engine.connect() as connection:
        await connection.execute(text(f"SET LOCAL enable_seqscan = {'off' if few else 'on'}"))
        told = await connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {it.sql}", it.values
        )
        found = told.scalar_one()
        await connection.rollback()
    [whole] = json.loads(found) if isinstance(found, str) else found
    nodes = [node for node in _nodes(whole["Plan"]) if "Relation Name" in node]
    reads = tuple(
        f"{node['Node Type']} {node['Relation Name']} {node.get('Index Name', '')}".strip()
        for node in nodes
    )
    scans = [node["Relation Name"] for node in nodes if _reads_all(node, few)]
    return Plan(it, reads, _big(it.sql, scans), whole["Execution Time"])


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each node; one of whose rows only the first are wanted, in the order of its index, is marked so."""
    yield node
    for below in node.get("Plans", ()):
        wanted = {"first": True} if node["Node Type"] == "Limit" and "Index Name" in below else {}
        yield from _nodes({**below, **wanted})


def _reads_all(node: dict[str, Any], few: bool) -> bool:
    read = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)
    if not few and read < _FEW:
        return False  # a small table is read faster than its index
    by_index = {"Index Cond", "Recheck Cond", "first"} & node.keys()
    return (
        node["Node Type"].endswith("Scan")
        and not by_index
        and not _partial(node.get("Index Name", ""))
    )


def _partial(read: str) -> bool:
    """By an index that holds only the few rows about which something is to be done."""
    indexes = [each for table in SQLModel.metadata.tables.values() for each in table.indexes]
    few = {each.name for each in indexes if each.dialect_options["postgresql"]["where"] is not None}
    return any(word in few for word in read.split())


def _big(sql: str, names: list[str]) -> tuple[str, ...]:
    """The tables among these, which a statement may call by another name."""
    named = {alias: table for table, alias in re.findall(r"\b(\w+) AS (\w+)", sql)}
    return tuple(sorted({named.get(name, name) for name in names} & BIG))


def _short(sql: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"(?s)^SELECT .*? \nFROM", "SELECT … FROM", sql))[:300]
