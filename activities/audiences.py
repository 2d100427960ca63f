"""Bringing an ad platform's list to the desired one, batch by batch, removals first."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from temporalio import activity

from activities import clock
from activities.contract import SYNC_AUDIENCE, Next
from nurture.domain.audience import Audience
from nurture.domain.errors import Permanent, Transient, Unknown
from nurture.outbox import Outbox
from nurture.ports import Applied, AudienceSink, Person
from nurture.shelf import Shelf
from nurture.store import audiences
from nurture.store.tables import AudienceMemberRow

_AGAIN = timedelta(minutes=1)
_LONGEST = timedelta(hours=6)


class AudienceActivities:
    """`sinks` by platform name. Adding or removing twice is harmless, so a crash just repeats a batch."""

    def __init__(self, outbox: Outbox, shelf: Shelf, sinks: Mapping[str, AudienceSink]) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._sinks = sinks

    @activity.defn(name=SYNC_AUDIENCE)
    async def sync(self, name: str) -> Next:
        """Work off everything owed that may be tried now; when something next will be."""
        now = clock.now()
        async with self._outbox.write() as session:
            playbook = await self._shelf.current(session)
            audience = playbook.audiences.get(name)
            if audience is None:
                return Next(done=True)
            for row in await audiences.overstayed(session, name, now):
                row.desired, row.changed_at, row.next_try_at = False, now, now
        for add in (False, True):
            while await self._batch(audience, add, now):
                activity.heartbeat()
        async with self._outbox.write() as session:
            upcoming = await audiences.next_try(session, name)
        return Next(wake_at=upcoming.timestamp() if upcoming else None)

    async def _batch(self, audience: Audience, add: bool, now: datetime) -> bool:
        """One call to the platform; False when nothing (more) can be done now."""
        sink = self._sinks[audience.platform]
        async with self._outbox.write() as session:
            rows = await audiences.owed(session, audience.id, add, now, sink.batch_size)
            people = [await audiences.person(session, row, add) for row in rows]
        if not rows:
            return False
        call = sink.add if add else sink.remove
        try:
            applied = await call(audience.external_id, people)
        except (Transient, Unknown) as error:
            wait = error.retry_after if isinstance(error, Transient) else None
            await self._postpone(rows, str(error), now, wait)
        except Permanent as error:
            await self._postpone(rows, str(error), now, _LONGEST)
        else:
            await self._confirm(rows, people, add, applied, now)
        return True

    async def _confirm(
        self,
        rows: Sequence[AudienceMemberRow],
        people: Sequence[Person],
        add: bool,
        applied: Applied,
        now: datetime,
    ) -> None:
        async with self._outbox.write() as session:
            for stale, person in zip(rows, people, strict=True):
                row = await audiences.lock(session, stale)
                reason = applied.refused.get(person.lead_id)
                if row is None:
                    continue
                if reason:
                    audiences.postpone(row, reason, now + _LONGEST)
                    continue
                row.confirmed, row.error, row.attempts = add, "", 0
                row.sent_as = asdict(person) if add else None

    async def _postpone(
        self,
        rows: Sequence[AudienceMemberRow],
        error: str,
        now: datetime,
        wait: timedelta | None,
    ) -> None:
        """The whole batch failed: it is owed, later, ever more slowly."""
        async with self._outbox.write() as session:
            for stale in rows:
                row = await audiences.lock(session, stale)
                if row:
                    delay = wait or min(_AGAIN * 2 ** min(row.attempts, 10), _LONGEST)
                    audiences.postpone(row, error, now + delay)
