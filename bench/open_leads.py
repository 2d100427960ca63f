"""What a lead costs the database when 1,000, 10,000 and 100,000 others are on their way too.

Milliseconds of a step (a look at a waiting lead whose time has come) and of a touch, by the clock and of the processor
(ours and SQLite's are one process), and bytes of the database for each open lead. Ratios are of the processor, to the
smallest number, so what grows with the number shows.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from temporalio.testing import ActivityEnvironment

from activities import queues
from activities.effects import Effects
from activities.sending import Sending
from activities.steps import Steps
from nurture.delivery.links import Links
from nurture.domain import keys
from nurture.incoming import Incoming
from nurture.mail.postroom import Postroom
from nurture.store import migrate
from nurture.store.columns import table
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, IdentityRow, LeadRow, TouchRow
from nurture.tokens import Tokens
from tests.support.temporal import Postbox
from tests.support.world import World

SIZES = tuple(map(int, os.environ.get("BENCH_OPEN", "1000 10000 100000").split()))
TOUCHES, TIMED = 5, 200
_PAGE = 5_000
_NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


async def measure(folder: Path) -> dict[str, Any]:
    file = folder / "open.db"
    db = Database(f"sqlite+aiosqlite:///{file}")
    found: dict[str, Any] = {}
    try:
        await migrate.upgrade(db)
        bare, filled = file.stat().st_size, 0
        for size in SIZES:
            await _fill(db, range(filled, size))
            filled = size
            found[str(size)] = {
                "step_ms": await _steps(db, size),
                "touch_ms": await _touches(db, size),
                "bytes_a_lead": (file.stat().st_size - bare) // size,
            }
    finally:
        await db.close()
    first, last = found[str(SIZES[0])], found[str(SIZES[-1])]
    for what in ("step_ms", "touch_ms"):
        growth = last[what]["processor"] / first[what]["processor"]
        found[f"{what}_growth"] = round(growth, 2)
    return found


async def _fill(db: Database, numbers: range) -> None:
    """Leads in the middle of the welcome flow's first wait, each with some touches."""
    for start in range(numbers.start, numbers.stop, _PAGE):
        page = range(start, min(start + _PAGE, numbers.stop))
        async with db.write() as session:
            await session.execute(insert(table(LeadRow)), [_lead(n) for n in page])
            await session.execute(insert(table(IdentityRow)), [_name(n) for n in page])
            await session.execute(insert(table(EnrolmentRow)), [_run(n) for n in page])
            touches = [_touch(n, k) for n in page for k in range(TOUCHES)]
            await session.execute(insert(table(TouchRow)), touches)


async def _steps(db: Database, size: int) -> dict[str, float]:
    """Each moves a lead from its wait over a mail to the next wait."""
    world, postbox = World(db), Postbox()
    postroom = Postroom(Links("https://n.example", Tokens(["key"])))
    effects = Effects(world.handovers, world.reactions, postroom)
    sending = Sending(world.outbox, postroom, postbox, world.feedback)
    steps = Steps(world.outbox, world.shelf, effects, sending)
    environment = ActivityEnvironment()
    mails = queues.named("bench", queues.mail("courses"))
    due = _NOW + timedelta(days=3)
    environment.info = replace(environment.info, started_time=due, task_queue=mails)
    ids = [_run(n)["id"] for n in _spread(size)]
    with _timed() as took:
        for id_ in ids:
            await environment.run(steps.advance, id_)
    return took


async def _touches(db: Database, size: int) -> dict[str, float]:
    """Each a page view in a request of its own."""
    world = World(db)
    with _timed() as took:
        for n in _spread(size):
            message = Incoming(f"{size}/{n}", _NOW, email=_lead(n)["email"], touch="page")
            await world.intake.take("site", [message], _NOW)
        await world.outbox.drain()
    return took


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Milliseconds that each of TIMED took, once the block has ended."""
    took: dict[str, float] = {}
    began, worked = time.perf_counter(), time.process_time()
    yield took
    took["clock"] = round(1000 * (time.perf_counter() - began) / TIMED, 2)
    took["processor"] = round(1000 * (time.process_time() - worked) / TIMED, 2)


def _spread(size: int) -> list[int]:
    """From the newest part of the leads, which no earlier round has moved."""
    step = max(1, (size - size // 10) // TIMED)
    return [size - 1 - n * step for n in range(TIMED)]


def _lead(n: int) -> dict[str, Any]:
    return LeadRow(
        id=f"lead-{n:07}",
        email=f"person{n}@firma.example",
        stage="lead",
        consents=["email_marketing"],
        created_at=_NOW,
        first_touch_at=_NOW,
    ).model_dump()


def _name(n: int) -> dict[str, Any]:
    return {"kind": "email", "value": f"person{n}@firma.example", "lead_id": f"lead-{n:07}"}


def _run(n: int) -> dict[str, Any]:
    return EnrolmentRow(
        id=keys.enrolment_id(f"lead-{n:07}", "welcome", 1),
        lead_id=f"lead-{n:07}",
        flow="welcome",
        ordinal=1,
        playbook="book",
        step="wait",
        since=_NOW,
        wake_at=_NOW + timedelta(days=3),
        started_at=_NOW,
        listens=["stage"],
    ).model_dump()


def _touch(n: int, k: int) -> dict[str, Any]:
    return TouchRow(
        id=f"touch-{n}-{k}",
        lead_id=f"lead-{n:07}",
        source="site",
        name="page",
        at=_NOW - timedelta(hours=k),
        received_at=_NOW,
        properties={"path": f"/page/{k}"},
    ).model_dump()
