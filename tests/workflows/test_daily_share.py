"""A sender's share of the day, with several workers at once."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from nurture.domain.allowance import Allowance
from nurture.domain.flow import Email, Flow
from nurture.playbook import Playbook
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow
from tests.support.looks import Looks
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.world import OneBook

SHARE, LEADS, WORKERS = 3, 8, 2
NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)


def _book() -> Playbook:
    sender = replace(PLAYBOOK.senders["courses"], allowance=Allowance(a_day=SHARE))
    flow = Flow("welcome", "Welcome", {"hello": Email("hello")}, "hello")
    return playbook(flows={**PLAYBOOK.flows, "welcome": flow}, senders={"courses": sender})


async def test_several_workers_never_send_more_than_the_share_of_the_day(database_url: str) -> None:
    workers = [Looks(Database(database_url, pool=LEADS), OneBook(_book())) for _ in range(WORKERS)]
    world = workers[0].world
    for n in range(LEADS):
        await world.tell("form_submitted", email=f"lead-{n}@example.org", at=NOW)
    runs = await world.rows(EnrolmentRow)
    await asyncio.gather(
        *(
            workers[n % WORKERS].look(run, NOW, "courses")
            for n, run in enumerate(runs)
            for _ in range(2)
        )
    )
    held = Counter(run.held for run in await world.rows(EnrolmentRow) if run.ended is None)
    turns = [run.wake_at for run in await world.rows(EnrolmentRow) if run.ended is None]
    for each in workers:
        await each.world.db.close()
    assert sum(len(each.box.got) for each in workers) == SHARE
    assert held == {"daily_limit": LEADS - SHARE}
    assert len(set(turns)) == LEADS - SHARE, "everybody has a turn of its own"
