"""Looks at runs, one at a time and without Temporal: real database and playbook, at the end a postbox."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast

from temporalio.testing import ActivityEnvironment

from activities import queues
from activities.contract import Next
from activities.effects import Effects
from activities.sending import Sending
from activities.steps import Steps
from nurture.delivery.links import Links
from nurture.mail.postroom import Postroom
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, LeadRow, MessageRow
from nurture.tokens import Tokens
from nurture.versions.shelf import Shelf
from tests.support.small import SMALL
from tests.support.temporal import Postbox
from tests.support.world import OneBook, World

FILES = {
    **SMALL,
    "templates/email/second/subject.txt": "Second",
    "templates/email/second/body.mjml": SMALL["templates/email/welcome/body.mjml"],
}
"""The small playbook with one more mail."""


class Looks:
    """A worker's way with runs. Without a shelf its playbook is files, see `apply`."""

    def __init__(
        self, db: Database, shelf: OneBook | None = None, box: Postbox | None = None
    ) -> None:
        self._shelf = Shelf(db)
        self.world = World(db, shelf or cast(OneBook, self._shelf))
        self.box = box or Postbox()
        postroom = Postroom(Links("https://n.example", Tokens(["key"])))
        sending = Sending(self.world.outbox, postroom, self.box, self.world.feedback)
        effects = Effects(self.world.handovers, self.world.reactions, postroom)
        self._steps = Steps(self.world.outbox, self.world.shelf, effects, sending)

    async def apply(self, files: Mapping[str, str], now: datetime) -> None:
        await self._shelf.apply({**FILES, **files}, "ida", now)

    async def rollback(self, now: datetime) -> None:
        await self._shelf.rollback("ida", now)

    async def enter(self, now: datetime) -> EnrolmentRow:
        """A lead comes into the only flow."""
        [run] = await self.enter_all(now)
        return run

    async def enter_all(self, now: datetime) -> list[EnrolmentRow]:
        """A lead comes into every flow; its runs in the order of their flows' names."""
        await self.world.tell("form_submitted", at=now)
        return sorted(await self.world.rows(EnrolmentRow), key=lambda run: str(run.flow))

    async def look(self, run: EnrolmentRow, now: datetime, sender: str = "us") -> Next:
        """As the workers do that send this sender's mails."""
        environment = ActivityEnvironment()
        queue = queues.named("q", queues.mail(sender))
        environment.info = replace(environment.info, task_queue=queue, started_time=now)
        return await environment.run(self._steps.advance, run.id)

    async def ledger(self) -> list[tuple[str, str]]:
        """Each mail's step and state, in the order of their claims."""
        rows: list[MessageRow] = await self.world.rows(MessageRow)
        rows.sort(key=lambda row: (row.claimed_at, row.step))
        return [(row.step, row.state) for row in rows]

    async def lead(self) -> LeadRow:
        return await self.world.lead("anna@example.org")
