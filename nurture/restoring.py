"""After a database was restored to an earlier moment: what may have gone out since then is not sent again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.restored import may_have_sent
from nurture.playbook import Playbook
from nurture.shelf import Shelf
from nurture.store import enrolments, messages
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow

REASON = "the database was restored to a moment before it was due"


@dataclass(frozen=True)
class Restored:
    """`mails` are unknown from now on, of `leads` in flows."""

    mails: int
    leads: int


class Restoring:
    def __init__(self, db: Database, shelf: Shelf) -> None:
        self._db = db
        self._shelf = shelf

    async def doubt(self, now: datetime) -> Restored:
        """Mails that came due until now and of which the database knows nothing become unknown.

        To be called before any worker runs. Harmless when repeated.
        """
        mails, leads = 0, 0
        async with self._db.write() as session:
            playbook = await self._shelf.current(session)
            async for page in enrolments.in_flight(session, list(playbook.flows)):
                for run in page:
                    doubted = await self._doubt_run(session, playbook, run, now)
                    mails, leads = mails + doubted, leads + bool(doubted)
                await session.flush()
        return Restored(mails, leads)

    async def _doubt_run(
        self, session: AsyncSession, playbook: Playbook, run: EnrolmentRow, now: datetime
    ) -> int:
        """Of the flow as the lead follows it and as it is now: either may be the one that goes on."""
        kept = await self._shelf.version(session, run.playbook)
        flows = [book.flows[run.flow] for book in (kept, playbook) if run.flow in book.flows]
        steps: dict[str, str] = {}
        for flow in flows:
            steps |= may_have_sent(flow, enrolments.cursor(run), now)
        for step, template in steps.items():
            await messages.suspect(session, playbook, run, step, template, REASON, now)
        return len(steps)
