"""A sender's share of the day, with several workers at once."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from temporalio.testing import ActivityEnvironment

from activities import queues
from activities.effects import Effects
from activities.sending import Sending
from activities.steps import Steps
from nurture.delivery.links import Links
from nurture.domain.allowance import Allowance
from nurture.domain.flow import Email, Flow
from nurture.playbook import Playbook
from nurture.postroom import Postroom
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow
from nurture.tokens import Tokens
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.temporal import Postbox
from tests.support.world import OneBook, World

SHARE, LEADS, WORKERS = 3, 8, 2
NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)


def _book() -> Playbook:
    sender = replace(PLAYBOOK.senders["courses"], allowance=Allowance(a_day=SHARE))
    flow = Flow("welcome", "Welcome", {"hello": Email("hello")}, "hello")
    return playbook(flows={**PLAYBOOK.flows, "welcome": flow}, senders={"courses": sender})


def _worker(url: str) -> tuple[World, Steps, Postbox]:
    world, postbox = World(Database(url, pool=LEADS), OneBook(_book())), Postbox()
    postroom = Postroom(Links("https://n.example", Tokens(["key"])))
    effects = Effects(world.handovers, world.reactions, postroom)
    sending = Sending(world.outbox, postroom, postbox)
    return world, Steps(world.outbox, world.shelf, effects, sending), postbox


async def _look(steps: Steps, enrolment_id: str) -> None:
    environment = ActivityEnvironment()
    queue = queues.named("q", queues.mail("courses"))
    environment.info = replace(environment.info, task_queue=queue, started_time=NOW)
    await environment.run(steps.advance, enrolment_id)


async def test_several_workers_never_send_more_than_the_share_of_the_day(database_url: str) -> None:
    workers = [_worker(database_url) for _ in range(WORKERS)]
    world = workers[0][0]
    for n in range(LEADS):
        await world.tell("form_submitted", email=f"lead-{n}@example.org", at=NOW)
    runs = await world.rows(EnrolmentRow)
    await asyncio.gather(
        *(_look(workers[n % WORKERS][1], run.id) for n, run in enumerate(runs) for _ in range(2))
    )
    held = Counter(run.held for run in await world.rows(EnrolmentRow) if run.ended is None)
    turns = [run.wake_at for run in await world.rows(EnrolmentRow) if run.ended is None]
    for each, _, _ in workers:
        await each.db.close()
    assert sum(len(postbox.got) for _, _, postbox in workers) == SHARE
    assert held == {"daily_limit": LEADS - SHARE}
    assert len(set(turns)) == LEADS - SHARE, "everybody has a turn of its own"
