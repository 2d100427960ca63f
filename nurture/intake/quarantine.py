"""What could not be used, kept until somebody looks, tries it again, or its time is over."""

from collections.abc import AsyncIterator, Collection
from typing import Any

from sqlmodel import col, select

from nurture.domain.errors import InputError
from nurture.store.database import Database
from nurture.store.tables import QuarantineRow

_PAGE = 200


class Quarantine:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def latest(self, limit: int) -> list[dict[str, Any]]:
        """Rows ready for JSON, the newest first."""
        query = select(QuarantineRow).order_by(col(QuarantineRow.id).desc()).limit(limit)
        async with self._db.read() as session:
            rows = (await session.execute(query)).scalars()
            return [{**row.model_dump(), "at": row.at.isoformat()} for row in rows]

    async def named(self, ids: Collection[int]) -> list[QuarantineRow]:
        """Raises InputError for an id that no row has."""
        query = select(QuarantineRow).where(col(QuarantineRow.id).in_(ids))
        async with self._db.read() as session:
            rows = list((await session.execute(query.order_by(col(QuarantineRow.id)))).scalars())
        if missing := set(ids) - {row.id for row in rows}:
            raise InputError(f"there is no row {min(missing)} in quarantine")
        return rows

    async def everything(self) -> AsyncIterator[QuarantineRow]:
        """The oldest first; each may be dropped on the way."""
        after = 0
        while True:
            query = select(QuarantineRow).where(col(QuarantineRow.id) > after)
            async with self._db.read() as session:
                page = query.order_by(col(QuarantineRow.id)).limit(_PAGE)
                rows = list((await session.execute(page)).scalars())
            if not rows:
                return
            for row in rows:
                yield row
            after = rows[-1].id or 0

    async def drop(self, row: QuarantineRow) -> None:
        async with self._db.write() as session:
            kept = await session.get(QuarantineRow, row.id)
            if kept:
                await session.delete(kept)
