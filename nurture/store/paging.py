"""Lists a page at a time by key: each page costs the same however many rows there are, in either direction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import literal

from nurture.store.columns import Moment

Row = TypeVar("Row")


@dataclass(frozen=True)
class Key:
    """Of a row: a page begins behind it, or with `back` ends before it."""

    at: datetime
    id: str
    back: bool = False

    def follows(self, at: Any, id_: Any) -> Any:
        """The condition for a row to stand behind it where the newest stand first."""
        return tuple_(at, id_) < self._mark

    def precedes(self, at: Any, id_: Any) -> Any:
        """The same where the oldest do."""
        return tuple_(at, id_) > self._mark

    @property
    def _mark(self) -> Any:
        return tuple_(literal(self.at, Moment()), literal(self.id))


@dataclass(frozen=True)
class Cut(Generic[Row]):
    """A page's rows; where the page before it ends and the next one begins, if there is one."""

    rows: Sequence[Row]
    before: Key | None
    after: Key | None


async def rows(
    session: AsyncSession,
    query: Any,
    key: Key | None,
    order: tuple[Any, Any],
    limit: int,
    newest_first: bool = True,
) -> Sequence[Any]:
    """The next rows from the key on, in the list's order, which is by time and id."""
    at, id_ = order
    back = key is not None and key.back
    falling = newest_first != back
    if key:
        query = query.where((key.follows if falling else key.precedes)(at, id_))
    by = (at.desc(), id_.desc()) if falling else (at, id_)
    found: Sequence[Any] = (await session.execute(query.order_by(*by).limit(limit))).all()
    return found[::-1] if back else found


def cut(
    found: Sequence[Row], key: Key | None, size: int, of: Callable[[Row], tuple[datetime, str]]
) -> Cut[Row]:
    """The page of these rows, of which one more than `size` was asked for. `of`: a row's place in the order."""
    more, back = len(found) > size, key is not None and key.back
    page = found[-size:] if back else found[:size]
    if not page:
        return Cut(page, None, None)
    before = more if back else key is not None
    after = back or more
    return Cut(
        page,
        Key(*of(page[0]), back=True) if before else None,
        Key(*of(page[-1])) if after else None,
    )
