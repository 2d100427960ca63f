"""One audience by rule over a real database, against a strict stand-in, with a process that may be killed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from embedded.ads.standin import StandIn
from nurture.audiences.keeper import AudienceKeeper, Look
from nurture.domain.audience import Audience
from nurture.domain.scoring import Scoring
from nurture.ports import (
    AcceptingSink,
    Applied,
    AudienceSink,
    Identifiers,
    Person,
    Portion,
    ReplacingSink,
)
from nurture.store.audience_tables import AudienceMemberRow, AudienceRow
from nurture.store.database import Database
from tests.support.ads import PAIRS
from tests.support.domain import NOW, when
from tests.support.playbook import PLAYBOOK
from tests.support.world import OneBook, World

PROS = Audience(
    "pros", "Professionals", "meta", "238", when(lambda f: f.lead.traits.get("occupation") == "pro")
)


class Killed(BaseException):
    """The process is gone at this line."""


@dataclass
class Mortal:
    """A sink whose process dies `before` or `after` the next call reaches the platform, or `hangs` after it."""

    inner: AudienceSink
    batch_size: int = 3
    removal_size: int = 2
    spacing: timedelta = timedelta(0)
    dies: list[str] = field(default_factory=list)

    def identifiers(self, person: Person) -> Identifiers:
        return self.inner.identifiers(person)

    async def add(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._call(self.inner.add, audience, people)

    async def remove(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._call(self.inner.remove, audience, people)

    def __getattr__(self, name: str) -> Any:
        """Replaces a list, and tells what came of a change, where the platform can."""
        if name == "session_lasts":
            return getattr(self.inner, name)
        if name == "replace" and isinstance(self.inner, ReplacingSink):
            return self._replace
        if name == "progress" and isinstance(self.inner, AcceptingSink):
            return self.inner.progress
        raise AttributeError(name)

    async def _replace(self, audience: str, people: Sequence[Person], portion: Portion) -> Applied:
        assert isinstance(self.inner, ReplacingSink)
        return await self._call(self.inner.replace, audience, people, portion)

    async def _call(self, call: Any, *given: Any) -> Applied:
        death = self.dies.pop(0) if self.dies else ""
        if death == "before":
            raise Killed
        applied: Applied = await call(*given)
        if death == "after":
            raise Killed
        if death == "hangs":
            await asyncio.Event().wait()
        return applied


class Lists:
    """`now` is the time of everything; `sync` is one look of the workflow."""

    def __init__(self, db: Database, platform: str = "meta") -> None:
        self.book = OneBook(
            replace(PLAYBOOK, audiences={PROS.id: replace(PROS, platform=platform)})
        )
        self.world = World(db, self.book)
        self.now = NOW
        self._pair, self._name = PAIRS[platform], platform
        self.platform = StandIn(self._pair.rules(), now=lambda: self.now.timestamp())
        self.sink = Mortal(self._pair.sink(self.platform))
        self._keys: dict[str, str] = {}
        self.keeper = self._started()

    def use(self, *audiences: Audience) -> None:
        """Another playbook is in force."""
        found = {audience.id: audience for audience in audiences}
        self.book.book = replace(self.book.book, audiences=found, hash=f"{self.book.book.hash}+")

    def score(self, scoring: Scoring, *audiences: Audience) -> None:
        """Another one that scores so."""
        self.book.book = replace(self.book.book, scoring=scoring)
        self.use(*audiences)

    async def tell(
        self,
        n: int,
        pro: bool = True,
        consent: bool = True,
        touch: str | None = None,
        **traits: Any,
    ) -> str:
        given = {"occupation": "pro" if pro else "amateur", **traits}
        consents = ("ad_audiences",) if consent else ()
        email = f"person{n}@firma.dk"
        row = await self.world.tell(touch, email, self.now, consents, traits=given)
        self._keys[self._pair.key(Person(row.id, email))] = row.id
        return row.id

    async def withdraw(self, lead_id: str) -> None:
        await self.world.intake.withdraw(lead_id, "ad_audiences", "page", self.now)

    async def sync(self, name: str = "pros") -> Look | None:
        """None: the process was killed in the middle, and another one takes over."""
        try:
            return await self.keeper.sync(name, self.now)
        except Killed:
            self.keeper = self._started()
            return None

    async def settle(self, name: str = "pros") -> None:
        """Look whenever the workflow would, until nothing is owed."""
        for _ in range(60):
            look = await self.sync(name)
            if look and look.done:
                return
            owed = [row for row in await self.rows() if _owed(row)]
            if look and not owed and (look.at is None or look.at > self.now):
                return
            self.now = max(self.now, look.at) if look and look.at else self.now
        raise AssertionError("something is owed for ever")

    def members(self, external_id: str = "238") -> set[str]:
        """Lead ids of who is on the platform's list."""
        return {self._keys.get(key, key) for key in self.platform.members.keys(external_id)}

    async def rows(self) -> list[AudienceMemberRow]:
        return await self.world.rows(AudienceMemberRow)

    async def state(self) -> AudienceRow:
        [row] = await self.world.rows(AudienceRow)
        assert isinstance(row, AudienceRow)
        return row

    def later(self, span: timedelta) -> datetime:
        self.now += span
        return self.now

    def _started(self) -> AudienceKeeper:
        sinks = {self._name: self.sink}
        return AudienceKeeper(self.world.outbox, self.world.shelf, sinks, ticks=lambda: 0.0)


def _owed(row: AudienceMemberRow) -> bool:
    return row.desired != row.confirmed or row.named != row.desired
