"""Bringing an ad platform's list to the desired one, batch by batch, removals first.

Every step is committed before the next begins, so that a process that dies resumes at the batch it was at.
Adding or removing somebody twice changes nothing at any platform. Who was named once counts as being there
until a removal is confirmed, also when the addition itself was never answered.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.audiences.asking import ask
from nurture.audiences.comparing import compare
from nurture.audiences.renewing import renew
from nurture.domain.audience import Audience, together
from nurture.domain.errors import DeliveryError, Permanent, Transient
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.ports import NO_IDENTIFIER, AcceptingSink, Applied, AudienceSink, Person
from nurture.store import ad_leftovers, ad_lists, ad_requests, audiences
from nurture.store.audience_tables import AudienceRow
from nurture.versions.shelf import Shelf

AGAIN, LONGEST = timedelta(minutes=1), timedelta(hours=1)
"""How long after a failed call the next one comes: doubling from the first, never more than the second, unless
the platform itself asks for longer. So a removal goes out at most LONGEST after the platform works again."""

_REFUSED = timedelta(hours=6)
_NOT_CONFIGURED, _RATE_LIMITED = "not_configured", "rate_limited"
_HELD, _HELD_FOR = "list_held", timedelta(minutes=10)
"""While another audience is taken off the same list; looked at again after so long."""

_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Look:
    """When to look again, if not woken before; `done`: never, nothing is left of this audience."""

    at: datetime | None = None
    done: bool = False


@dataclass
class _Job:
    """`leaving`: this list of the platform is given up, everybody is taken off it. `waits`: until another audience has
    left the list. `renew`: when the whole list is to be sent anew; None: nobody asked for that."""

    name: str
    platform: str
    external_id: str
    leaving: bool
    waits: bool
    adds: bool
    due: datetime | None
    held: datetime | None
    renew: datetime | None


class _Pacer:
    """One call at a time to an account, each at least a spacing after the one before."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._next = 0.0

    async def wait(self, spacing: timedelta) -> None:
        loop = asyncio.get_running_loop()
        if (rest := self._next - loop.time()) > 0:
            await asyncio.sleep(rest)
        self._next = loop.time() + spacing.total_seconds()


class AudienceKeeper:
    """`sinks` by platform: those whose account is configured. `ticks` counts seconds."""

    def __init__(
        self,
        outbox: Outbox,
        shelf: Shelf,
        sinks: Mapping[str, AudienceSink],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._sinks = sinks
        self._ticks = ticks
        self._pacers: defaultdict[str, _Pacer] = defaultdict(_Pacer)

    async def sync(self, name: str, now: datetime) -> Look:
        """Work off everything owed that may be tried now."""
        began = self._ticks()
        job = await self._open(name, now)
        if job is None:
            return Look(done=True)
        if job.held and job.held > now:
            return await self._next(job, job.held)
        sink = self._sinks.get(job.platform)
        if sink is None:
            return await self._next(job, await self._fail(job, Permanent(_NOT_CONFIGURED), now))
        more = True
        while more:
            # what becomes due during this look is seen in it: who objects does not wait for its end
            at = now + timedelta(seconds=self._ticks() - began)
            try:
                more, held = await self._more(job, sink, at)
            except DeliveryError as error:
                return await self._next(job, await self._fail(job, error, now))
            if held:
                return await self._next(job, held)
        return await self._close(job, now)

    async def _more(
        self, job: _Job, sink: AudienceSink, now: datetime
    ) -> tuple[bool, datetime | None]:
        """The next call that is due: a removal as long as there is any."""
        more, held = await self._batch(job, sink, False, now)
        if not (more or held) and isinstance(sink, AcceptingSink):
            more, held = await self._question(job, sink, now)
        if more or held or not job.adds:
            return more, held
        more, held = await self._batch(job, sink, True, now)
        if more or held or job.renew is None or job.renew > now:
            return more, held
        async with self._pacers[job.platform].turn:
            pause = await renew(self._outbox, job.name, job.external_id, sink, now)
        job.renew = None
        return await self._after(job, pause, now)

    async def _open(self, name: str, now: datetime) -> _Job | None:
        async with self._outbox.read() as session:
            playbook = await self._shelf.current(session)
            known = await ad_lists.known(session)
        audience = playbook.audiences.get(name)
        if _left(known.get(name), audience):
            await self._outbox.in_pieces(lambda session: audiences.give_up(session, name, now))
            if audience:
                await self._outbox.in_pieces(lambda session: ad_leftovers.leave(session, name, now))
        await self._outbox.in_pieces(lambda session: audiences.overstayed(session, name, now))
        async with self._outbox.write() as session:
            state = await _state(session, name, audience)
            if state is None:
                return None
            leaving = _left(state, audience)
            compare_now = audience and not leaving and _due(state, playbook) <= now
            fetch_now = not leaving and ad_leftovers.apart(state) in known
        if fetch_now:
            await self._outbox.in_pieces(lambda session: ad_leftovers.fetch(session, name, now))
        if audience and compare_now:
            await compare(self._outbox, playbook, audience, now)
        async with self._outbox.write() as session:
            state = await ad_lists.state(session, name)
            assert state is not None
            return await _job(session, playbook, state)

    async def _batch(
        self, job: _Job, sink: AudienceSink, add: bool, now: datetime
    ) -> tuple[bool, datetime | None]:
        """One call to the platform: whether there may be more, and until when it wants to be left alone."""
        pacer = self._pacers[job.platform]
        async with pacer.turn:
            async with self._outbox.write() as session:
                held = await ad_lists.resting(session, job.platform)
                if held and held > now:
                    return False, held
                owed = await (
                    audiences.claim(session, job.name, now, sink.batch_size, sink.identifiers)
                    if add
                    else audiences.to_remove(session, job.name, now, _most(sink), job.leaving)
                )
            if not owed:
                return False, None
            await pacer.wait(sink.spacing)
            if add:
                pause = await self._add(job, sink, owed, now)
            else:
                pause = await self._remove(job, sink, [one.person for one in owed], now)
        return await self._after(job, pause, now)

    async def _question(
        self, job: _Job, sink: AcceptingSink, now: datetime
    ) -> tuple[bool, datetime | None]:
        """One change that the platform took in is asked about."""
        pacer = self._pacers[job.platform]
        async with pacer.turn:
            async with self._outbox.read() as session:
                request = await ad_requests.due(session, job.name, now)
                if request is None:
                    return False, None
                attempts = await ad_requests.attempts(session, request)
            await pacer.wait(sink.spacing)
            alone = _most(sink)(attempts) == 1
            again = now + (_REFUSED if request.adds or alone else LONGEST)
            pause = await ask(self._outbox, sink, request, again, now)
        return await self._after(job, pause, now)

    async def _after(
        self, job: _Job, pause: timedelta | None, now: datetime
    ) -> tuple[bool, datetime | None]:
        """A call that did something may have left more to do; one that the platform wants rest after is the last."""
        if not pause:
            return True, None
        async with self._outbox.write() as session:
            await ad_lists.rest(session, job.platform, now + pause)
        return False, now + pause

    async def _remove(
        self, job: _Job, sink: AudienceSink, people: list[Person], now: datetime
    ) -> timedelta | None:
        applied = await sink.remove(job.external_id, people)
        kept = _kept(applied)
        gone = [person for person in people if person.lead_id not in kept]
        at_once = [one.lead_id for one in gone if one.lead_id not in applied.accepted]
        async with self._outbox.write() as session:
            await audiences.unconfirm_sharing(session, job.name, gone, sink.identifiers)
            await audiences.removed(session, job.name, at_once)
            await ad_requests.began(session, job.name, applied.accepted, False, now)
            await audiences.refused(session, job.name, kept, now + _REFUSED, now + LONGEST)
        return applied.pause

    async def _add(
        self, job: _Job, sink: AudienceSink, owed: list[audiences.Owed], now: datetime
    ) -> timedelta | None:
        """Who changed address or phone leaves under the old one before it comes under the new one: what the
        platform does not let go of is still what it holds."""
        if owed[0].before:
            before = [one.before for one in owed if one.before]
            most = _most(sink)(owed[0].attempts)
            return await self._remove(job, sink, before[:most], now)
        people = [one.person for one in owed]
        applied = await sink.add(job.external_id, people)
        async with self._outbox.write() as session:
            taken = [one.lead_id for one in people if one.lead_id not in applied.refused]
            await audiences.added(session, job.name, taken, now)
            await ad_requests.began(session, job.name, applied.accepted, True, now)
            why, later = applied.refused, now + _REFUSED
            await audiences.refused(session, job.name, why, later, now + LONGEST)
        return applied.pause

    async def _fail(self, job: _Job, error: DeliveryError, now: datetime) -> datetime:
        """Until when nothing is tried. A platform that asks for rest is left alone for all audiences."""
        rest = error.retry_after if isinstance(error, Transient) else None
        async with self._outbox.write() as session:
            state = await ad_lists.state(session, job.name)
            assert state is not None
            free_at = now + (rest or min(AGAIN * 2 ** min(state.attempts, 10), LONGEST))
            state.attempts, state.error, state.free_at = state.attempts + 1, str(error), free_at
            if rest or error.reason == _RATE_LIMITED:
                await ad_lists.rest(session, job.platform, free_at)
        return free_at

    async def _close(self, job: _Job, now: datetime) -> Look:
        async with self._outbox.write() as session:
            state = await ad_lists.state(session, job.name)
            assert state is not None
            state.synced_at, state.free_at, state.attempts = now, None, 0
            state.error = _HELD if job.waits else ""
            if job.leaving and not await audiences.anyone_named(session, job.name):
                return Look(now)
        return await self._next(job, now)

    async def _next(self, job: _Job, earliest: datetime) -> Look:
        async with self._outbox.write() as session:
            return Look(await _falls_due(session, job, earliest))


async def due(session: AsyncSession, playbook: Playbook, state: AudienceRow) -> datetime | None:
    """Since when, or from when on, something is to be done for the list, by the times that are kept; None: it waits for
    a change. A new playbook wakes no list that it leaves as it was, so by that one nothing is due."""
    job = await _job(session, playbook, state)
    job.due = job.due and state.compared_at and _daily(state.compared_at, playbook)
    job.waits = False  # looked at again in minutes, of which no time is kept
    return await _falls_due(session, job, job.held or _EVER)


async def _falls_due(session: AsyncSession, job: _Job, earliest: datetime) -> datetime | None:
    """The next time something does; what already did waits until `earliest`."""
    owed = await audiences.next_due(session, job.name, job.adds, job.leaving)
    question = await ad_requests.next_due(session, job.name)
    times = [max(at, earliest) for at in (owed, question, job.renew) if at]
    times += [job.due] if job.due else []
    times += [earliest + _HELD_FOR] if job.waits else []
    return min(times, default=None)


async def _job(session: AsyncSession, playbook: Playbook, state: AudienceRow) -> _Job:
    leaving = _left(state, playbook.audiences.get(state.name))
    held = [state.free_at, await ad_lists.resting(session, state.platform)]
    waits = not leaving and await _held(session, playbook, state)
    adds = not (leaving or waits or state.paused)
    renew_at = state.renew_asked_at and (state.session_until or state.renew_asked_at)
    return _Job(
        name=state.name,
        platform=state.platform,
        external_id=state.external_id,
        leaving=leaving,
        waits=waits,
        adds=adds,
        due=None if leaving else _due(state, playbook),
        held=max((at for at in held if at), default=None),
        renew=renew_at if adds else None,
    )


def _most(sink: AudienceSink) -> Callable[[int], int]:
    """How many removals go out at once after so many attempts. Others say at once whom they did not take off."""
    if isinstance(sink, AcceptingSink):
        return partial(together, sink.removal_size)
    return lambda attempts: sink.removal_size


def _kept(removal: Applied) -> dict[str, str]:
    """Whom the platform would not let go of, and why. Who cannot even be named is not there."""
    return {id_: why for id_, why in removal.refused.items() if why != NO_IDENTIFIER}


async def _state(session: AsyncSession, name: str, audience: Audience | None) -> AudienceRow | None:
    """How far the list is, begun or moved if the playbook wants that; None when there is nothing to keep."""
    state = await ad_lists.state(session, name)
    if state is None:
        return ad_lists.begin(session, audience) if audience else None
    if not _left(state, audience):
        return state
    # begun anew with whoever should be on the list it moves to, or comes back to
    state.compared_by = state.cursor = ""
    if await audiences.anyone_named(session, name):
        return state
    await ad_requests.forget(session, name)
    if audience is None:
        await session.delete(state)
        return None
    state.platform, state.external_id = audience.platform, audience.external_id
    return state


async def _held(session: AsyncSession, playbook: Playbook, state: AudienceRow) -> bool:
    """Whether another audience still leaves the same list, and would take off whom this one adds. Whom the platform
    does not let go of is not waited for."""
    others = [
        name
        for name, other in (await ad_lists.known(session)).items()
        if (other.platform, other.external_id) == (state.platform, state.external_id)
        and _left(other, playbook.audiences.get(name))
    ]
    return any([await audiences.anyone_named(session, name, refused=False) for name in others])


def _left(state: AudienceRow | None, audience: Audience | None) -> bool:
    """Whether the members are on a list where the playbook does not want them any more."""
    if state is None or audience is None:
        return audience is None
    return (state.platform, state.external_id) != (audience.platform, audience.external_id)


def _due(state: AudienceRow, playbook: Playbook) -> datetime:
    """When all leads are to be compared with the rule: daily, and at once under another playbook."""
    if state.compared_at is None or state.compared_by != playbook.hash:
        return state.compared_at or _EVER
    return _daily(state.compared_at, playbook)


def _daily(before: datetime, playbook: Playbook) -> datetime:
    return before + max(playbook.day, AGAIN)
