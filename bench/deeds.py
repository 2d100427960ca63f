"""Everything that happens to leads, done once each: what the plans of statements are asked for. First what happens by
the minute, then what is done by the day or when somebody asks (bench.seldom)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

from activities import queues
from activities.contract import Next
from activities.effects import Effects
from activities.handovers import HandoverActivities
from activities.sending import Sending
from activities.steps import Steps
from bench.seldom import Seldom
from nurture.audiences.keeper import AudienceKeeper
from nurture.delivery.links import Links
from nurture.domain.allowance import Allowance
from nurture.domain.feedback import Event, Kind
from nurture.domain.gate import FrequencyCap
from nurture.domain.sla import State
from nurture.incoming import Answer, Incoming
from nurture.mail.postroom import Postroom
from nurture.playbook import Retention
from nurture.store import calls
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import EnrolmentRow, MessageRow
from nurture.store.vitals import vitals
from nurture.tokens import Tokens
from nurture.upkeep.reconciling import Reconciling
from nurture.upkeep.relay import Relay
from tests.support.playbook import PLAYBOOK
from tests.support.temporal import AdAccount, Postbox, SalesFloor
from tests.support.world import OneBook, World

WHO = "eva@firm.example"
_NIGHT = "bench"
_BOOK = replace(
    PLAYBOOK,
    retention=Retention(*[timedelta(days=900)] * 5),
    senders={
        name: replace(sender, rate=1.0, allowance=Allowance(1000))
        for name, sender in PLAYBOOK.senders.items()
    },
    flows={
        name: replace(flow, mail=replace(flow.mail, cap=FrequencyCap(9, timedelta(days=7))))
        for name, flow in PLAYBOOK.flows.items()
    },
)
"""Keeps everything, its senders have lines and a share a day, and its flows compete."""


class Everything:
    """A Temporal in which everything runs that is asked for, and one workflow too many."""

    async def running(self, kind: str, keys: Sequence[str]) -> set[str]:
        return set(keys)

    async def page(self, kind: str, after: str) -> tuple[list[str], str]:
        return ["nobody"], ""


class Deeds:
    """In this order, since later ones need what earlier ones left behind."""

    def __init__(self, db: Database, now: datetime) -> None:
        self._db, self._now = db, now
        self._world = world = World(db, OneBook(_BOOK))
        postroom = Postroom(Links("https://n.example", Tokens(["key"])))
        effects = Effects(world.handovers, world.reactions, postroom)
        sending = Sending(world.outbox, postroom, Postbox(), world.feedback)
        self._steps = Steps(world.outbox, world.shelf, effects, sending)
        self._sales = HandoverActivities(
            world.outbox, world.shelf, world.handovers, world.reactions, SalesFloor()
        )
        self._keeper = AudienceKeeper(world.outbox, world.shelf, {"meta": AdAccount()})
        self._night = Reconciling(world.outbox, world.shelf, Everything())
        self._relay = Relay(world.outbox, world.shelf, world.reactions, lambda: now)

    def all(self) -> Mapping[str, Callable[[], Awaitable[Any]]]:
        world, now = self._world, self._now
        again = Incoming("m9", now, email=WHO, touch="page", anonymous_id="browser")
        return {
            "a new lead": lambda: world.tell("page", WHO, now),
            "a touch": lambda: world.intake.take("site", [again], now),
            "a look at an enrolment": self._enrolment,
            "a click": self._click,
            "what a provider tells": self._feedback,
            "points that hand over": lambda: world.tell(
                "demo_requested", WHO, now, traits={"occupation": "pro"}
            ),
            "a look at a handover": self._handover,
            "a deadline of a handover": self._deadline,
            "an answer of sales": self._answer,
            "a look at an audience": lambda: self._keeper.sync("hesitating", now),
            "the relay": self._relay.look,
            "when the relay looks next": self._relay.next_look,
            "calls that are due": self._calls,
            "what is too old": lambda: world.retention.page(now),
            "points of an older playbook": lambda: world.rescoring.page(now),
            "the watch over senders": lambda: world.watch.look(now),
            "the metrics": self._vitals,
            "the nightly comparison": self._upkeep,
            "a lead by name": lambda: world.lead(WHO),
            "a reader's preferences": self._preferences,
            **Seldom(self._db, world, _BOOK, now).all(),
            "an export": lambda: world.privacy.export(WHO),
            "an erasure": lambda: world.privacy.erase(WHO, "bench", now),
        }

    async def _enrolment(self) -> None:
        """From its mail into its wait, and past that to the next mail."""
        [run] = await self._rows(EnrolmentRow)
        for days in (0, 4):
            looked = await self._look(self._steps.advance, run.id, timedelta(days=days))
            assert not looked.done
        assert len(await self._rows(MessageRow)) == 2

    async def _handover(self) -> None:
        [row] = await self._rows(HandoverRow)
        await self._look(self._sales.advance, row.id, timedelta())

    async def _deadline(self) -> None:
        """Sales did nothing: others are told, and another owner gets the lead."""
        [row] = await self._rows(HandoverRow)
        await self._look(self._sales.advance, row.id, timedelta(days=4, hours=1))
        assert (await self._rows(HandoverRow))[0].owner != row.owner

    async def _answer(self) -> None:
        [row] = await self._rows(HandoverRow)
        await self._world.desk.answer(
            row.id, Answer(State.CONTACTED, self._now, "Anna", how="call")
        )

    async def _click(self) -> None:
        mail, *_ = await self._rows(MessageRow)
        await self._world.click(mail.id, self._now, "https://courses.example/guide")

    async def _feedback(self) -> None:
        mail, *_ = await self._rows(MessageRow)
        told = Event("e1", Kind.DELIVERED, self._now, (mail.id,))
        await self._world.feedback.take("resend", [told], self._now)

    async def _calls(self) -> None:
        async with self._db.write() as session:
            await calls.take_due(session, self._now)

    async def _vitals(self) -> None:
        async with self._db.read() as session:
            await vitals(session, await self._world.shelf.current(session), self._now)

    async def _upkeep(self) -> None:
        """One page of each part."""
        parts = list(self._night._parts)
        for part in parts:
            await self._night.page(_NIGHT, replace(self._night.first, part=part), self._now)

    async def _preferences(self) -> None:
        lead = await self._world.lead(WHO)
        await self._world.preferences.pause(lead.id, 30, self._now)
        await self._world.preferences.look(lead.id, self._now)

    async def _look(self, activity: Any, key: str, later: timedelta) -> Next:
        environment = ActivityEnvironment()
        queue = queues.named("bench", queues.mail("courses"))
        environment.info = replace(
            environment.info, started_time=self._now + later, task_queue=queue
        )
        found: Next = await environment.run(activity, key)
        return found

    async def _rows(self, table: Any) -> list[Any]:
        lead = await self._world.lead(WHO)
        async with self._db.read() as session:
            query = select(table).where(col(table.lead_id) == lead.id)
            return list((await session.execute(query)).scalars())
