"""What was put aside and names a person: messages that could not be used, and news of mails nobody knows."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, false, insert, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, or_, select

from nurture.domain.mentions import Names, Split
from nurture.store.feedback_tables import FeedbackRow
from nurture.store.tables import QuarantineRow

_PAGE = 200

_LONGEST = 32_768
"""How much of one row is kept, in characters."""

KINDS: tuple[tuple[type[Any], ColumnElement[bool]], ...] = (
    (QuarantineRow, true()),
    (FeedbackRow, col(FeedbackRow.lead_id).is_(None)),
)
"""The tables, and which of their rows."""


async def keep(
    session: AsyncSession, source: str, rows: Sequence[tuple[str, str]], now: datetime
) -> None:
    """Put into quarantine what could not be used, each with the reason."""
    told = [
        {"source": source, "reason": reason, "raw": raw[:_LONGEST], "at": now}
        for raw, reason in rows
    ]
    await session.execute(insert(QuarantineRow), told)


async def about(
    session: AsyncSession, table: type[Any], only: ColumnElement[bool], names: Names
) -> AsyncIterator[tuple[Any, Split]]:
    """Rows that name the person, and what of each does."""
    id_, raw = col(table.id), col(table.raw)
    named = or_(false(), *(raw.icontains(hint, autoescape=True) for hint in names.hints()))
    query = select(table).where(only, named).order_by(id_).limit(_PAGE)
    rows = list((await session.execute(query)).scalars())
    while rows:
        for row in rows:
            split = names.split(row.raw)
            if split.theirs:
                yield row, split
        rows = list((await session.execute(query.where(id_ > rows[-1].id))).scalars())


async def shown(session: AsyncSession, names: Names) -> dict[str, list[SQLModel]]:
    """By table the rows, with nothing in them about anybody else."""
    found: dict[str, list[SQLModel]] = {}
    for table, only in KINDS:
        rows = [(row, split) async for row, split in about(session, table, only, names)]
        found[table.__tablename__] = [
            table(**row.model_dump() | {"raw": split.theirs}) for row, split in rows
        ]
    return found


async def drop(session: AsyncSession, names: Names) -> int:
    """Forget what names the person; how many rows it stood in. What stands beside it in a row stays."""
    dropped = 0
    for table, only in KINDS:
        async for row, split in about(session, table, only, names):
            dropped += 1
            if split.rest:
                row.raw = split.rest
            else:
                await session.delete(row)
    await session.flush()
    return dropped
