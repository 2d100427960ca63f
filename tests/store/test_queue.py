"""Handovers page by page, and the trend of the funnel, on both databases."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlmodel import col, select

from nurture import figures
from nurture.domain.funnel import funnel
from nurture.domain.periods import EVER, Period
from nurture.store import figures as counting
from nurture.store import leads, queue
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.paging import Key
from nurture.store.queue import OVER
from nurture.store.tables import LeadRow, StageChangeRow, TouchRow
from tests.support.domain import NOW
from tests.support.playbook import LIFECYCLE, PLAYBOOK

OWNERS = ("Anna", "Bo")
STATES = ("open", "snoozed", "contacted", "won", "rejected")


async def fill(db: Database, number: int) -> None:
    """Many are due at the same moment, so that the key's second half decides."""
    async with db.write() as session:
        for n in range(number):
            session.add(LeadRow(id=f"l{n}", stage="mql", created_at=NOW))
        await session.flush()
        for n in range(number):
            session.add(
                HandoverRow(
                    id=f"h{n:03}",
                    lead_id=f"l{n}",
                    ordinal=1,
                    playbook="p1",
                    team="sales",
                    owner=OWNERS[n % 2],
                    state=STATES[n % len(STATES)],
                    reason="score",
                    trigger="score",
                    opened_at=NOW - timedelta(days=n // 7),
                    due_at=NOW + timedelta(hours=n // 9 - 3),
                    closed_at=NOW if n % len(STATES) > 2 else None,
                )
            )


async def walk(db: Database, which: str, owner: str | None) -> list[HandoverRow]:
    """All pages, seven at a time."""
    found: list[HandoverRow] = []
    after: Key | None = None
    while rows := await _rows(db, which, owner, after):
        found += rows
        after = _key(rows[-1], which)
    return found


async def _rows(db: Database, which: str, owner: str | None, key: Key | None) -> list[HandoverRow]:
    async with db.read() as session:
        return [row for row, _ in await queue.page(session, which, owner, key, 7)]


def _key(row: HandoverRow, which: str, back: bool = False) -> Key:
    return Key(row.opened_at if which == OVER else row.due_at, row.id, back)


@pytest.mark.parametrize("which", ["waiting", OVER])
async def test_the_pages_of_a_list_are_the_same_on_the_way_back(db: Database, which: str) -> None:
    await fill(db, 50)
    there = await walk(db, which, None)
    back = await _rows(db, which, None, _key(there[-1], which, back=True))
    while rows := await _rows(db, which, None, _key(back[0], which, back=True)):
        back = rows + back
    assert back == there[:-1]


@pytest.mark.parametrize("owner", [None, "Bo"])
async def test_every_handover_is_on_one_page_of_one_list(db: Database, owner: str | None) -> None:
    await fill(db, 100)
    lists = {which: await walk(db, which, owner) for which in ("waiting", "talking", OVER)}
    ids = [row.id for rows in lists.values() for row in rows]
    mine = [f"h{n:03}" for n in range(100) if owner in (None, OWNERS[n % 2])]
    assert sorted(ids) == mine
    assert {row.state for row in lists["waiting"]} == {"open", "snoozed"}
    due = [row.due_at for row in lists["waiting"]]
    assert due == sorted(due)
    opened = [row.opened_at for row in lists[OVER]]
    assert opened == sorted(opened, reverse=True)


async def test_the_numbers_are_those_of_the_lists(db: Database) -> None:
    await fill(db, 100)
    async with db.read() as session:
        numbers = await queue.numbers(session, None, NOW)
        owners = await queue.owners(session)
    waiting = await walk(db, "waiting", None)
    assert numbers["waiting"] == len(waiting)
    assert numbers["talking"] == len(await walk(db, "talking", None))
    assert numbers["late"] == sum(row.due_at < NOW for row in waiting)
    assert owners == ["Anna", "Bo"]


async def test_the_trend_counts_who_came_to_a_mark_for_the_first_time_in_each_stretch(
    db: Database,
) -> None:
    moves = [
        (None, "visitor", 30),
        ("visitor", "lead", 9),
        ("lead", "mql", 9),
        ("mql", "lead", 4),
        ("lead", "mql", 3),
        ("mql", "customer", 1),
    ]
    async with db.write() as session:
        lead = LeadRow(id="a", stage="visitor", created_at=NOW)
        session.add(lead)
        for _, new, days in moves:
            leads.change_stage(session, lead, new, NOW - timedelta(days=days), by="test")
    edges = [NOW - timedelta(days=days) for days in (20, 10, 5, 0)]
    stretches = [Period("", *pair) for pair in pairwise(edges)]
    async with db.read() as session:
        found = await counting.came(
            session, funnel(LIFECYCLE, "mql", "sql", "customer"), [*stretches, EVER]
        )
        in_order = select(StageChangeRow.way).order_by(col(StageChangeRow.id))
        told = (await session.execute(in_order)).scalars().all()
    assert {mark: [each[mark] for each in found] for mark in found[0]} == {
        "visitors": [0, 0, 0, 1],
        "leads": [0, 1, 0, 1],
        "mqls": [0, 1, 0, 1],
        "sqls": [0, 0, 1, 1],
        "customers": [0, 0, 1, 1],
    }
    assert told[-1] == "lead,mql,visitor>customer"


async def test_on_a_compressed_clock_figures_stop_with_the_last_visit(db: Database) -> None:
    fast = replace(PLAYBOOK, day=timedelta(seconds=2))
    async with db.read() as session:
        assert await figures.moment(session, fast, NOW) == NOW
    seen = NOW - timedelta(hours=1)
    async with db.write() as session:
        session.add(LeadRow(id="a", stage="lead", created_at=NOW))
        await session.flush()
        session.add(
            TouchRow(id="t", lead_id="a", source="site", name="page", at=seen, received_at=seen)
        )
    async with db.read() as session:
        assert await figures.moment(session, fast, NOW) == seen + fast.day
        assert await figures.moment(session, PLAYBOOK, NOW) == NOW
