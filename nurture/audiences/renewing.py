"""Sending a whole list anew, so that also what nobody here put on it is gone. Asked for by the operator.

Where a platform can replace a list, one session does: its portions hold nobody who is to leave, and take effect
with the last. A session that broke off is begun again when the platform has forgotten it. Other platforms are
told everybody again.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from nurture.outbox import Outbox
from nurture.ports import AudienceSink, Person, Portion, ReplacingSink
from nurture.store import ad_lists, audiences


async def renew(
    outbox: Outbox,
    name: str,
    external_id: str,
    sink: AudienceSink,
    now: datetime,
) -> timedelta | None:
    """For how long the platform wants to be left alone then. Raises DeliveryError: then it is begun again at the next
    look that may."""
    pause = None
    if isinstance(sink, ReplacingSink):
        pause = await _replace(outbox, name, external_id, sink, now)
        await outbox.in_pieces(lambda session: audiences.taken_again(session, name, now))
    else:
        await outbox.in_pieces(lambda session: audiences.refresh(session, name, now, now))
    async with outbox.write() as session:
        await ad_lists.renewed(session, name, now)
    return pause


async def _replace(
    outbox: Outbox,
    name: str,
    external_id: str,
    sink: ReplacingSink,
    now: datetime,
) -> timedelta | None:
    """An empty list is left as it is: platforms take no replacement by nobody. A pause asked for meanwhile comes at the
    end: a session that stands still is lost, and the next would get no further."""
    async with outbox.write() as session:
        await ad_lists.opened(session, name, now + sink.session_lasts)
        total = await audiences.size(session, name)
    number = int(now.timestamp() * 1000)
    count, pauses = 0, list[timedelta]()
    async for people, last in _portions(outbox, name, sink.batch_size):
        count += 1
        applied = await sink.replace(external_id, people, Portion(number, count, last, total))
        async with outbox.write() as session:
            await audiences.doubted(session, name, list(applied.refused), now)
        pauses += [applied.pause] if applied.pause else []
    return max(pauses, default=None)


async def _portions(
    outbox: Outbox, name: str, size: int
) -> AsyncIterator[tuple[Sequence[Person], bool]]:
    """Pages of the members, and whether it is the last; each is held back until the next one is seen."""
    after, held = "", list[Person]()
    while True:
        async with outbox.write() as session:
            page = await audiences.members(session, name, after, size)
        if held:
            yield held, not page
        if not page:
            return
        after, held = page[-1].lead_id, page
