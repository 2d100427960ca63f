"""A whole nurture without Temporal, HTTP or mail: real database, real use cases, fakes at the ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from argon2 import PasswordHasher
from sqlalchemy import Integer
from sqlmodel import select

from nurture.access import open_access
from nurture.access.passwords import Passwords
from nurture.dashboard import open_dashboard
from nurture.dashboard.system import EngineState, Poller
from nurture.domain.consent import AD_AUDIENCES, EMAIL_MARKETING, ConsentRecord
from nurture.domain.machines import BURST
from nurture.fingerprints import Fingerprints
from nurture.handovers.desk import Desk
from nurture.handovers.running import Handovers
from nurture.incoming import Incoming
from nurture.intake.clicks import Clicks
from nurture.intake.stages import Stages
from nurture.intake.taking import Intake
from nurture.mail.feedback import Feedback
from nurture.mail.ledger import Mails
from nurture.mail.preferences import Preferences
from nurture.mail.watch import Watch
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.privacy.requests import Privacy
from nurture.reactions import Reactions
from nurture.reports import Reports
from nurture.store import leads
from nurture.store.database import Database
from nurture.store.tables import LeadRow
from nurture.upkeep.relay import Relay
from nurture.upkeep.rescoring import Rescoring
from nurture.upkeep.retention import Retention
from nurture.versions.shelf import Shelf
from tests.support.domain import NOW
from tests.support.playbook import PLAYBOOK

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""What makes a password safe makes a test slow."""


@dataclass
class OneBook:
    """A shelf with one playbook, which a test may replace."""

    book: Playbook = PLAYBOOK

    async def current(self, session: Any) -> Playbook:
        return self.book

    async def version(self, session: Any, version: str) -> Playbook:
        return self.book


def consenting(name: str, now: datetime) -> LeadRow:
    """A known lead that may be mailed."""
    return LeadRow(
        id=name,
        email=f"{name}@example.org",
        stage="lead",
        created_at=now,
        consents=["email_marketing"],
    )


@dataclass
class Alarm:
    """A waker that remembers whom it woke; while `down` it fails as an unreachable Temporal does."""

    woken: list[tuple[str, str]] = field(default_factory=list)
    down: Exception | None = None

    async def wake(self, kind: str, key: str, flow: str = "", sender: str = "") -> None:
        if self.down:
            raise self.down
        self.woken.append((kind, key))

    def kinds(self) -> list[str]:
        return sorted(kind for kind, _ in self.woken)


class StillEngine:
    """A Temporal with one worker and nothing to do."""

    async def state(self) -> EngineState:
        worker = Poller("1@host", NOW, ["workflows", "activities"])
        return EngineState("nurture", "127.0.0.1:7233", [worker], 0)


BROWSER = "browser"
"""A source whose key anybody can read."""


class World:
    """The use cases over one database."""

    def __init__(self, db: Database, shelf: OneBook | Shelf | None = None) -> None:
        self.db = db
        self.shelf = cast(Shelf, shelf or OneBook())
        self.alarm = Alarm()
        self.outbox = Outbox(db, self.alarm)
        self.handovers = Handovers(lambda handover_id: f"https://n.example/h/{handover_id}")
        self.reactions = Reactions(self.handovers)
        fingerprints = Fingerprints(["a key that is long enough"])
        self.intake = Intake(self.outbox, self.shelf, self.reactions, self.handovers, fingerprints)
        self.access = open_access(db, fingerprints, Passwords(CHEAP))
        self.dashboard = open_dashboard(db, self.shelf, StillEngine(), {})
        self.privacy = Privacy(db, self.outbox, self.shelf, self.handovers, fingerprints)
        self.feedback = Feedback(self.outbox, self.shelf, self.reactions)
        self.preferences = Preferences(self.outbox, self.shelf, self.reactions)
        self.mails = Mails(db)
        self.watch = Watch(db, self.shelf)
        self.desk = Desk(db, self.outbox, self.shelf, self.reactions, self.handovers)
        self.stages = Stages(self.outbox, self.shelf, self.reactions)
        self.reports = Reports(db, self.shelf)
        self.rescoring = Rescoring(self.outbox, self.shelf, self.reactions)
        self.clicks = Clicks(self.outbox, self.shelf, self.reactions)
        self.retention = Retention(db, self.outbox, self.shelf, [BROWSER])
        self.relay = Relay(self.outbox, self.shelf, self.reactions, lambda: NOW)
        self._number = 0

    async def click(self, mail: str, at: datetime = NOW, url: str = "https://x.example") -> None:
        """A person's, until it counts."""
        assert await self.intake.hit(mail, "clicked", {"url": url}, None, at)
        await self.clicks.page(at + BURST)

    async def tell(
        self,
        touch: str | None = None,
        email: str | None = "anna@example.org",
        at: datetime = NOW,
        consents: Sequence[str] = (EMAIL_MARKETING, AD_AUDIENCES),
        source: str = "site",
        **fields: Any,
    ) -> LeadRow:
        """One trusted message of a lead that consents to everything; the lead afterwards."""
        self._number += 1
        records = tuple(ConsentRecord(purpose, True, at, "form") for purpose in consents)
        message = Incoming(
            **{
                "message_id": f"m{self._number}",
                "at": at,
                "email": email,
                "touch": touch,
                "consents": records if email else (),
                "trusted": True,
                **fields,
            }
        )
        await self.intake.take(source, [message], at)
        await self.outbox.drain()
        return await self.lead(email or str(fields.get("anonymous_id") or fields.get("user_id")))

    async def lead(self, name: str) -> LeadRow:
        async with self.db.read() as session:
            row = await leads.find(session, name)
            assert row is not None, f"nobody goes by {name}"
            return row

    async def rows(self, table: Any) -> list[Any]:
        """As they were written, where their keys count: without an order PostgreSQL may give them as it likes."""
        counted = [key for key in table.__table__.primary_key if isinstance(key.type, Integer)]
        async with self.db.read() as session:
            return list((await session.execute(select(table).order_by(*counted))).scalars())
