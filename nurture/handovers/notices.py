"""What sales was told, what did not get through, and sending it again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.errors import InputError
from nurture.store import handovers, notices
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow, NoticeRow

LISTED = 200


class Notices:
    """The operator's view of the calls to sales. Answers are plain data, ready for JSON."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def dead(self, after: str = "", limit: int = LISTED) -> list[dict[str, Any]]:
        """Given up, oldest first. Without what they tell: that names people. `after` is the id of the one that they
        stand behind. Raises InputError for an unknown one."""
        async with self._db.read() as session:
            last = await session.get(NoticeRow, after) if after else None
            if after and last is None:
                raise _unknown(after)
            return [_plain(row) for row in await notices.dead(session, last, limit)]

    async def closed(self) -> str:
        """Why nothing is sent at present; empty when all is well."""
        async with self._db.read() as session:
            row = await notices.closed(session)
        return f"{row.error} (since {row.closed_at.isoformat()})" if row else ""

    async def show(self, handover_id: str) -> dict[str, Any] | None:
        """One handover with what happened and what was told; None when it does not exist."""
        async with self._db.read() as session:
            row = await session.get(HandoverRow, handover_id)
            if row is None:
                return None
            events = await handovers.events(session, row.id)
            told = await notices.of_handover(session, row.id)
        return {
            **row.model_dump(mode="json", exclude={"terms"}),
            "events": [event.model_dump(mode="json", exclude={"id"}) for event in events],
            "notices": [_plain(notice) for notice in told],
        }

    async def resend(self, ids: Sequence[str], now: datetime) -> int:
        """Send these again, under the ids they had; without any, all that were given up. How many.

        Raises InputError for an unknown id or one whose person was erased, and while the receiver is closed.
        """
        async with self._db.write() as session:
            if row := await notices.closed(session):
                raise InputError(f"the receiver wants no calls ({row.error}); open it again first")
            if not ids:
                return await notices.all_again(session, now)
            for id in ids:
                await _notice(session, id)
            return await notices.again(session, ids, now)

    async def reopen(self) -> bool:
        """Call the receiver again from now on; False when it was open."""
        async with self._db.write() as session:
            row = await notices.closed(session)
            if row:
                await session.delete(row)
            return row is not None


async def _notice(session: AsyncSession, id: str) -> NoticeRow:
    """Held against whoever erases its person meanwhile."""
    row = await session.get(NoticeRow, id, with_for_update=True)
    if row is None:
        raise _unknown(id)
    if not row.data:
        raise InputError("nothing is left of it to tell: the person was erased", id)
    return row


def _unknown(id: str) -> InputError:
    return InputError(f"there is no notice {id}")


def _plain(row: NoticeRow) -> dict[str, Any]:
    return row.model_dump(mode="json", exclude={"data"})
