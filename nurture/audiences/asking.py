"""What came of changes that an ad platform took in: it may say later that it did not make them.

Until it says so a removal stays owed, and is not sent again; what it did not do, or says nothing of for long, is.
"""

from datetime import datetime, timedelta

from nurture.domain.audience import Progress, asked_next, undone
from nurture.domain.errors import DeliveryError, Transient
from nurture.outbox import Outbox
from nurture.ports import AcceptingSink
from nurture.store import ad_requests
from nurture.store.audience_tables import AdRequestRow


async def ask(
    outbox: Outbox, sink: AcceptingSink, request: AdRequestRow, again: datetime, now: datetime
) -> timedelta | None:
    """Ask about one; what was not done is owed again at `again`. For how long the platform wants to be left alone then.
    A question that it does not answer is asked later, and holds nothing else up."""
    progress, pause = Progress(), None
    try:
        progress = await sink.progress(request.id)
    except DeliveryError as error:
        pause = error.retry_after if isinstance(error, Transient) else None
    why = undone(progress, request.adds, request.accepted_at, now)
    async with outbox.write() as session:
        row = await session.merge(request)
        if why:
            await ad_requests.not_made(session, row, why, again)
        elif progress.done:
            await ad_requests.made(session, row, now)
        if why or progress.done:
            await session.delete(row)
        else:
            row.ask_at = asked_next(row.accepted_at, now)
    return pause
