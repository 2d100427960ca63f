"""What those slots do that mostly wait for others, where an answer takes long: calls of webhook steps a second, and
calls a second to ad platforms while many audiences are synced at once. In one process, on PostgreSQL.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import httpx
from sqlalchemy import insert
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from activities import queues
from activities.audiences import AudienceActivities
from bench.audiences import member
from bench.ground import Ground
from embedded.local import HOST
from embedded.serving import Site
from nurture.audiences.keeper import AudienceKeeper
from nurture.calls import Calls
from nurture.delivery.sales.webhook import WebhookDesk
from nurture.domain.audience import Audience
from nurture.domain.consent import AD_AUDIENCES
from nurture.ports import Applied, Person
from nurture.store import wakeups
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.columns import table
from nurture.store.database import Database
from nurture.store.tables import CallRow, LeadRow
from nurture.versions.shelf import Shelf
from tests.support.playbook import playbook
from tests.support.temporal import AdAccount, Stage
from tests.support.world import OneBook, consenting
from workflows.tuning import Tuning
from workflows.worker import Activities

ANSWER = 0.3
"""Seconds that each receiver and ad platform takes for one."""
WEBHOOK_SLOTS, AD_SLOTS = (5, 20, 100), (1, 5, 20)
RECEIVERS, ROUNDS = (1, 4), 10
"""To how many receivers the calls go; as many calls as all slots would take in so many answers."""
PLATFORMS = ("meta", "google", "linkedin", "webhook")
AUDIENCES, BATCHES = 20, 4
_SECRET = "whsec_" + "Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0ND"


class Answers:
    """Of somebody who takes long for each; counted from the first question on."""

    def __init__(self) -> None:
        self._began = 0.0
        self._given: asyncio.Queue[None] = asyncio.Queue()

    async def give(self) -> None:
        self._began = self._began or time.perf_counter()
        await asyncio.sleep(ANSWER)
        self._given.put_nowait(None)

    async def per_second(self, number: int) -> float:
        """Of so many, once they are given."""
        for _ in range(number):
            await self._given.get()
        return round(number / (time.perf_counter() - self._began), 1)


class SlowAccount(AdAccount):
    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self._answers = answers

    async def add(self, audience: str, people: Sequence[Person]) -> Applied:
        await self._answers.give()
        return await super().add(audience, people)


class Advertising(Stage):
    """One account with each platform; it takes one call at a time, as each does."""

    def __init__(self, stand: Ground) -> None:
        super().__init__(cast(Any, SimpleNamespace(client=stand.client)), stand.db)
        self.answers = Answers()

    def activities(self) -> Activities:
        accounts = dict.fromkeys(PLATFORMS, SlowAccount(self.answers))
        keeper = AudienceKeeper(self.world.outbox, self.world.shelf, accounts)
        return {**super().activities(), queues.ADS: [AudienceActivities(keeper).sync]}


async def measure(stand: Ground, run: str) -> dict[str, Any]:
    """`run`: the enrolment that makes the calls."""
    found: dict[str, Any] = {}
    for slots in WEBHOOK_SLOTS:
        rates = {f"to_{number}": await _calls(stand.db, run, slots, number) for number in RECEIVERS}
        found[f"webhook slots {slots}"] = {"calls_per_second": rates}
    leads = await _leads(stand.db)
    for slots in AD_SLOTS:
        found[f"ad slots {slots}"] = {"calls_per_second": await _syncs(stand, leads, slots)}
    return found


async def _calls(db: Database, run: str, slots: int, receivers: int) -> float:
    number, now = slots * ROUNDS, datetime.now(UTC)
    async with db.write() as session:
        rows = [
            _call(f"{slots}-{receivers}-{n}", run, f"crm-{n % receivers}", now)
            for n in range(number)
        ]
        await session.execute(insert(table(CallRow)), rows)
    answers, stop = Answers(), asyncio.Event()
    async with _receiver(answers) as url, httpx.AsyncClient(timeout=20) as http:
        book = playbook(webhooks={f"crm-{n}": url for n in range(receivers)})
        desk = WebhookDesk(http, url, [_SECRET], lambda: datetime.now(UTC))
        shelf = cast(Shelf, OneBook(book))
        calls = Calls(db, shelf, lambda _: desk, lambda: datetime.now(UTC), slots)
        running = asyncio.create_task(calls.run(stop))
        rate = await answers.per_second(number)
        stop.set()
        await running
    return rate


def _call(id_: str, run: str, endpoint: str, now: datetime) -> dict[str, Any]:
    row = CallRow(id=id_, enrolment_id=run, endpoint=endpoint, created_at=now, next_attempt_at=now)
    return row.model_dump()


@asynccontextmanager
async def _receiver(answers: Answers) -> AsyncIterator[str]:
    async def hook(request: Request) -> Response:
        await answers.give()
        return Response(status_code=204)

    site = Site(Starlette(routes=[Route("/hook", hook, methods=["POST"])]), HOST, 0, "the receiver")
    await site.start()
    try:
        yield f"{site.url}/hook"
    finally:
        await site.stop()


async def _leads(db: Database) -> list[str]:
    """As many as fill all batches of an audience."""
    now, number = datetime.now(UTC), AdAccount.batch_size * BATCHES
    rows = [consenting(f"member-{n}", now) for n in range(number)]
    for row in rows:
        row.consents = [AD_AUDIENCES]
    async with db.write() as session:
        await session.execute(insert(table(LeadRow)), [row.model_dump() for row in rows])
    return [f"member-{n}" for n in range(number)]


async def _syncs(stand: Ground, leads: Sequence[str], slots: int) -> float:
    names = [f"{slots}-{n}" for n in range(AUDIENCES)]
    now = datetime.now(UTC)
    async with stand.db.write() as session:
        rows = [member(name, lead, now) for name in names for lead in leads]
        await session.execute(insert(table(AudienceMemberRow)), rows)
    stage, usual = Advertising(stand), Tuning.usual()
    stage.book.book = playbook(
        hash=f"ads-{slots}",
        audiences={
            name: Audience(name, name, PLATFORMS[n % len(PLATFORMS)], name)
            for n, name in enumerate(names)
        },
    )
    tuning = replace(usual, slots={**usual.slots, queues.ADS: slots})
    async with stage.working(sandbox=False, tuning=tuning):
        for name in names:
            await stage.waker.wake(wakeups.AUDIENCE, name)
        return await stage.answers.per_second(AUDIENCES * BATCHES)
