"""The audit log: who asked for which change, and what became of it."""

from datetime import datetime

from nurture.store import access
from nurture.store.access_tables import AuditRow
from nurture.store.database import Database

PAGE = 50


class Audit:
    """A change is noted before it is made and gets its outcome afterwards; what has none broke off."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def note(
        self,
        who: str,
        action: str,
        now: datetime,
        subject: str = "",
        outcome: str = "",
        detail: str = "",
    ) -> int:
        """The entry's number."""
        row = AuditRow(
            at=now, who=who, action=action, subject=subject, outcome=outcome, detail=detail
        )
        async with self._db.write() as session:
            session.add(row)
            await session.flush()
            assert row.id is not None
            return row.id

    async def conclude(self, entry: int, outcome: str, subject: str, detail: str) -> None:
        async with self._db.write() as session:
            await access.conclude(session, entry, outcome, subject, detail)

    async def page(
        self, before: int | None = None, who: str = "", action: str = ""
    ) -> list[AuditRow]:
        """The newest first, PAGE and one more if there are more; `before` is the last number of the page above."""
        async with self._db.read() as session:
            return await access.audit(session, PAGE + 1, before, who, action)

    async def actions(self) -> list[str]:
        """What was ever done, for a choice."""
        async with self._db.read() as session:
            return await access.audited_actions(session)
