"""A scenario through the real workflows, activities and database, on Temporal's time-skipping server."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.testing import WorkflowEnvironment

from commands.rehearsal.observing import Watch
from commands.rehearsal.other_times import OtherTimes
from commands.rehearsal.rehearsed_lead import Actor
from embedded.skipping import skipping_server
from embedded.takers import TakesMail, TakesNotices, TakesPeople
from nurture import settings
from nurture.domain.event import Event
from nurture.playbook import Playbook
from nurture.playbook.scenario_schema import Scenario
from nurture.simulation.cohort import midnight
from nurture.simulation.people import person
from nurture.simulation.scenarios import ARRIVES, CannotBe, Outcome, acts, end, judge
from nurture.store import chronicle, migrate
from nurture.store.database import Database
from nurture.versions.shelf import Shelf
from services import Ends, Services, wire
from workflows.worker import Workers


async def rehearse(
    file: str, scenario: Scenario, playbook: Playbook, files: Mapping[str, str]
) -> Outcome:
    """What really comes of the scenario. Raises InputError as nurture.simulation.scenarios.play does."""
    who = person(scenario.lead, playbook, file)
    arrives = midnight(scenario.start.date(), playbook) + ARRIVES
    async with _stage(playbook, files, scenario.flow, who.lead.id, arrives) as stage:
        actor = Actor(stage.services, who)
        await actor.arrive(arrives, scenario.flow)
        for moment, act in acts(scenario, playbook):
            await stage.until(moment)
            try:
                await actor.act(act, stage.now)
            except CannotBe as why:
                stage.watch.events.append(Event(stage.now, who.lead.id, "cannot", str(why)))
            await stage.look()
        await stage.until(end(scenario, playbook))
        async with stage.services.db.read() as session:
            told = await chronicle.of(session, playbook, who.lead.id)
    events = sorted([*told, *stage.watch.events], key=lambda event: event.at)
    last = end(scenario, playbook)
    return judge(file, scenario, playbook, [event for event in events if event.at < last])


_PAUSE = timedelta(seconds=1)
"""Of the relay between two looks. Whatever else is due at the moment of a look goes before it, as in earnest."""


class _OneFlow(Shelf):
    """Leads enter `flow` only, a draft or not; every flow as it is without one."""

    def __init__(self, db: Database, flow: str | None) -> None:
        super().__init__(db)
        self._flow = flow

    async def read(self, session: AsyncSession, version: str) -> Playbook:
        book = await super().read(session, version)
        if self._flow is None:
            return book
        flows = {name: replace(flow, live=name == self._flow) for name, flow in book.flows.items()}
        return replace(book, flows=flows)


class _Stage:
    """The product on a database of its own, and the time it plays at."""

    def __init__(
        self, environment: WorkflowEnvironment, times: OtherTimes, watch: Watch, begin: datetime
    ) -> None:
        self.now = begin
        self.watch = watch
        self.services: Services
        self._environment = environment
        self._times = times

    async def until(self, moment: datetime) -> None:
        """Let time pass; the relay looks whenever something is due."""
        while self.now < moment:
            due = await self.services.relay.next_look()
            await self._pass(min(due + _PAUSE, moment) if due else moment)
            if due and due + _PAUSE <= self.now:
                await self.services.relay.look()
            await self.look()

    async def look(self) -> None:
        await self.settled(self.now)

    async def settled(self, now: datetime) -> None:
        """After anything was done: whoever it wakes hears of it before time goes on."""
        await self.services.outbox.drain()
        await self.watch.look(now)

    async def _pass(self, moment: datetime) -> None:
        here = await self._environment.get_current_time() + self._times.ahead
        if moment > here:
            await self._environment.sleep(moment - here)
        self.now = max(moment, self.now)


@asynccontextmanager
async def _stage(
    playbook: Playbook, files: Mapping[str, str], flow: str | None, lead: str, begin: datetime
) -> AsyncIterator[_Stage]:
    times = OtherTimes()
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite+aiosqlite:///{Path(folder) / 'rehearsal.db'}")
        try:
            await migrate.upgrade(db)
            async with await skipping_server([times]) as environment:
                stage = _Stage(environment, times, Watch(db, lead), begin)
                times.ahead = begin - await environment.get_current_time()
                times.after = stage.settled
                stage.services = _services(db, environment, playbook, flow, stage)
                await stage.services.shelf.apply(files, "rehearsal", begin)
                queue = stage.services.settings.task_queue
                workers = Workers(environment.client, queue, stage.services.activities)
                async with workers:
                    await workers.follow(dict.fromkeys(playbook.senders))
                    yield stage
        finally:
            await db.close()


def _services(
    db: Database,
    environment: WorkflowEnvironment,
    playbook: Playbook,
    flow: str | None,
    stage: _Stage,
) -> Services:
    config = settings.load(secret_key=SecretStr("rehearsal" * 4), task_queue="rehearsal")
    platforms = {audience.platform for audience in playbook.audiences.values()}
    accounts = {platform: TakesPeople() for platform in platforms}
    ends = Ends(TakesMail(), TakesNotices(), accounts, lambda url: TakesNotices())
    shelf = _OneFlow(db, flow)
    return wire(config, db, environment.client, ends, shelf, lambda: stage.now)
