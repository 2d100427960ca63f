"""How long a look at a sender's complaints and bounces takes, and the count of its mails of today.

In a ledger of a million mails of the last two weeks (`BENCH_MAILS` sets the number), on SQLite and on PostgreSQL.
"""

import os
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.store import messages, migrate, senders
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow
from tests.support.postgres import own_server
from tests.support.world import World

MAILS = int(os.environ.get("BENCH_MAILS", "1000000"))
NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
_SPREAD = timedelta(days=14)
_ROUNDS = 5
_NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MAILS}) SELECT i FROM n"
_FILL = """
INSERT INTO message
    (id, enrolment_id, step, lead_id, flow, template, sender, state, reason, attempts, claimed_at, bounce)
SELECT 'm' || i, :run, 's' || i, :lead, 'flow-' || (i % 10), 't', CASE WHEN i % 4 = 0 THEN 'news' ELSE 'courses' END,
       CASE WHEN i % 100 = 0 THEN 'bounced' WHEN i % 2000 = 1 THEN 'complained' ELSE 'delivered' END, '', 1, {at},
       CASE WHEN i % 100 = 0 THEN 'hard' END
FROM ({numbers}) AS numbers"""
"""The run and the lead of all of them are the same: nothing that is measured asks for either."""


async def measure(folder: Path) -> dict[str, Any]:
    """Milliseconds."""
    figures: dict[str, Any] = {"mails": MAILS}
    for name in ("sqlite", "postgresql"):
        here = nullcontext(f"sqlite+aiosqlite:///{folder / 'watch.db'}")
        with here if name == "sqlite" else own_server() as url:
            db = Database(url)
            await migrate.upgrade(db)
            await _fill(db)
            figures[name] = {
                "look_of_a_week": await _timed(db, _week),
                "count_of_today": await _timed(db, _today),
            }
            await db.close()
    return figures


async def _fill(db: Database) -> None:
    world = World(db)
    await world.tell("form_submitted", at=NOW)
    [run] = await world.rows(EnrolmentRow)
    ago = f"{_SPREAD.total_seconds()} * i / {MAILS}"
    at = (
        f"strftime('%Y-%m-%d %H:%M:%f000', '{NOW:%Y-%m-%d %H:%M:%S}', '-' || ({ago}) || ' seconds')"
        if db.sqlite
        else f"timestamptz '{NOW.isoformat()}' - make_interval(secs => {ago})"
    )
    async with db.write() as session:
        filling = text(_FILL.format(at=at, numbers=_NUMBERS))
        await session.execute(filling, {"run": run.id, "lead": run.lead_id})
        await session.execute(text("ANALYZE message"))


async def _week(session: AsyncSession) -> object:
    return await senders.sent(session, NOW - timedelta(days=7), "courses")


async def _today(session: AsyncSession) -> object:
    return await messages.sent_since(session, "courses", NOW - timedelta(hours=10), "none")


async def _timed(db: Database, question: Callable[[AsyncSession], Awaitable[object]]) -> float:
    """The mean, once the database has found its pages."""
    async with db.read() as session:
        await question(session)
        began = time.perf_counter()
        for _ in range(_ROUNDS):
            await question(session)
    return round(1000 * (time.perf_counter() - began) / _ROUNDS, 1)
