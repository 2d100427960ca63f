"""What changes at one lead without leaving a row of its own: a mail that is held, a list it is put on."""

from collections.abc import Mapping
from datetime import datetime

from nurture.domain.event import Event
from nurture.store import chronicle
from nurture.store.database import Database


class Watch:
    """Looks are compared with one another, so look whenever something was done."""

    def __init__(self, db: Database, lead: str) -> None:
        self._db = db
        self._lead = lead
        self._runs: Mapping[str, tuple[str, str, str]] = {}
        self._lists: frozenset[str] = frozenset()
        self.events: list[Event] = []

    async def look(self, now: datetime) -> None:
        async with self._db.read() as session:
            found = await chronicle.standing(session, self._lead)
        for run, (flow, step, held) in found.runs.items():
            if held and self._runs.get(run) != (flow, step, held):
                self.events.append(Event(now, self._lead, "held", held, flow, step))
        for what, names in (
            ("added", found.lists - self._lists),
            ("removed", self._lists - found.lists),
        ):
            self.events += [Event(now, self._lead, what, name) for name in sorted(names)]
        self._runs, self._lists = found.runs, found.lists
