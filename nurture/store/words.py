"""The words that people look for leads by: names, company, address and its parts, in an index that finds beginnings."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, exists, insert, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from nurture.store.columns import table
from nurture.store.tables import IdentityRow, LeadRow, LeadWordRow

NAMED_BY = ("first_name", "last_name", "name", "company")
"""The traits that somebody is looked for by, as far as a playbook has them."""

_MOST, _LONGEST = 20, 60
_LAST = "\U0010ffff"
_PARTS = re.compile(r"[\W_]+")


def called(row: LeadRow) -> tuple[Any, ...]:
    """What its words are made of."""
    return row.email, *(row.traits.get(name) for name in NAMED_BY)


NOBODY: tuple[Any, ...] = (None, *(None for _ in NAMED_BY))
"""How a lead is called of which nothing is known."""


def words(email: str | None, *told: Any) -> frozenset[str]:
    found = [email, *_split(email.rpartition(".")[0])] if email else []
    found += [word for text in told if text for word in _split(str(text))]
    return frozenset(word[:_LONGEST] for word in found[:_MOST])


async def write(session: AsyncSession, rows: Sequence[LeadRow]) -> None:
    """Bring the index in line with what these leads are called now."""
    await forget(session, [row.id for row in rows])
    found = [
        {"word": word, "lead_id": row.id} for row in rows for word in sorted(words(*called(row)))
    ]
    if found:
        await session.execute(insert(table(LeadWordRow)), found)


async def forget(session: AsyncSession, ids: Sequence[str]) -> None:
    if ids:
        await session.execute(delete(LeadWordRow).where(col(LeadWordRow.lead_id).in_(ids)))


async def find(session: AsyncSession, text: str, most: int) -> Sequence[str]:
    """Ids of leads with words that begin as all of these do, or that go by this very name; `most` of them."""
    text = text.strip()
    exact = (
        select(col(LeadRow.id)).where(col(LeadRow.id) == text),
        select(col(IdentityRow.lead_id)).where(col(IdentityRow.value).in_([text, text.lower()])),
    )
    beginnings = sorted(_asked(text), key=len, reverse=True)
    begun = [_beginning(beginnings).limit(most)] if beginnings else []
    looks = union(*exact, *(select(each.subquery()) for each in begun)).limit(most)
    return (await session.execute(looks)).scalars().all()


def _beginning(beginnings: Sequence[str]) -> Any:
    """By the longest, which the fewest have, and then each of the others."""
    first, *others = beginnings
    row = LeadWordRow
    query = select(col(row.lead_id)).where(*_begins(row, first)).distinct()
    for beginning in others:
        word = aliased(LeadWordRow)
        same = exists().where(col(word.lead_id) == col(row.lead_id), *_begins(word, beginning))
        query = query.where(same)
    return query


def _begins(word: Any, beginning: str) -> tuple[Any, Any]:
    return col(word.word) >= beginning, col(word.word) < beginning + _LAST


def _asked(text: str) -> set[str]:
    """An address stays whole."""
    pieces = text.split()[:_MOST]
    found = {piece.lower()[:_LONGEST] for piece in pieces if "@" in piece}
    return found | {
        word[:_LONGEST] for piece in pieces if "@" not in piece for word in _split(piece)
    }


def _split(text: str) -> list[str]:
    """Without accents, in small letters, at everything that is neither letter nor digit."""
    plain = unicodedata.normalize("NFKD", text)
    folded = "".join(each for each in plain if not unicodedata.combining(each)).casefold()
    return [word for word in _PARTS.split(folded) if word]
