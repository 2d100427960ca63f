"""Processes that send mails of enrolments, as a worker does but without Temporal:
`python -m tests.support.sending_process DB PROVIDER`.

At each line on its standard input it starts one, whose id it prints; once that is gone, however it went, it prints
how. So a process costs no imports, and hundreds of them can be killed in a minute.
"""

import asyncio
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime

import httpx
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import queues
from activities.contract import Next
from activities.effects import Effects
from activities.sending import Sending
from activities.steps import Steps
from nurture import settings
from nurture.delivery.links import Links
from nurture.domain.flow import Email, Flow
from nurture.mail.mail_accounts import MailAccounts
from nurture.mail.postroom import Postroom
from nurture.playbook import Playbook
from nurture.ports import SMTP_ACCOUNT, MailAccount
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow
from nurture.tokens import Tokens
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.world import OneBook, World

AT_ONCE = 4


def book(provider: str) -> Playbook:
    """A flow of one mail, sent through that provider."""
    account = SMTP_ACCOUNT if provider == "smtp" else MailAccount("it", provider)
    sender = replace(PLAYBOOK.senders["courses"], through=(account.id,))
    flow = Flow("welcome", "Welcome", {"hello": Email("hello")}, "hello")
    flows = {**PLAYBOOK.flows, "welcome": flow}
    return playbook(flows=flows, senders={"courses": sender}, accounts={account.id: account})


async def main(database: str, provider: str) -> None:
    world = World(Database(database), OneBook(book(provider)))
    async with httpx.AsyncClient() as http:
        postroom = Postroom(Links("https://n.example", Tokens(["key"])))
        sending = Sending(
            world.outbox, postroom, MailAccounts(settings.load(), http), world.feedback
        )
        effects = Effects(world.handovers, world.reactions, postroom)
        steps = Steps(world.outbox, world.shelf, effects, sending)
        left = [row.id for row in await world.rows(EnrolmentRow) if row.ended is None]
        await asyncio.gather(*(_worked(steps, left[n::AT_ONCE]) for n in range(AT_ONCE)))


async def _worked(steps: Steps, ids: list[str]) -> None:
    environment = ActivityEnvironment()
    for id_ in ids:
        done = False
        while not done:
            environment.info = replace(
                environment.info,
                task_queue=queues.named("q", queues.mail("courses")),
                started_time=datetime.now(UTC),
            )
            try:
                next_ = await environment.run(steps.advance, id_)
            except ApplicationError:
                continue  # as Temporal would, only at once
            assert isinstance(next_, Next)
            done = next_.done


def serve(database: str, provider: str) -> None:
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            asyncio.run(main(database, provider))
            os._exit(0)
        print(pid, flush=True)  # noqa: T201 - what the test reads
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    serve(*sys.argv[1:])
