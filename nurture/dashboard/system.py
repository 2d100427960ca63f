"""What the operator looks at: workers, queues, what is late, and what waits for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from nurture.store import migrate
from nurture.store.backlog import Late, backlog
from nurture.store.database import Database
from nurture.store.vitals import Vital, for_people


@dataclass(frozen=True)
class Poller:
    """A process that asks Temporal for work. `seen_at`: when it last did."""

    identity: str
    seen_at: datetime | None
    kinds: Sequence[str]


@dataclass(frozen=True)
class EngineState:
    """`problem` is empty when Temporal answers; `waiting` counts tasks on the queue that nobody has taken."""

    queue: str
    address: str
    pollers: Sequence[Poller] = ()
    waiting: int | None = None
    problem: str = ""


class Engine(Protocol):
    """Temporal, as far as the dashboard shows it."""

    async def state(self) -> EngineState: ...


@dataclass(frozen=True)
class Look:
    engine: EngineState
    late: Mapping[str, Late]
    vitals: Sequence[Vital]
    database: str
    schema: str
    newest: str
    links: Mapping[str, str]


_AGES = {"nurture_removals_owed_oldest_seconds"}


class System:
    def __init__(self, db: Database, engine: Engine, links: Mapping[str, str]) -> None:
        self._db = db
        self._engine = engine
        self._links = links

    async def look(self, now: datetime) -> Look:
        async with self._db.read() as session:
            late = await backlog(session, now)
            found = await for_people(session, now)
        return Look(
            engine=await self._engine.state(),
            late=late,
            vitals=[vital for vital in found if vital.name not in _AGES],
            database="SQLite" if self._db.sqlite else "PostgreSQL",
            schema=await migrate.current(self._db) or "",
            newest=migrate.newest(),
            links=self._links,
        )
