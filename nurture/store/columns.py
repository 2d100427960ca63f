"""Column types that behave the same on SQLite and PostgreSQL."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, ForeignKey, String, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class Moment(TypeDecorator[datetime]):
    """An aware UTC time. SQLite keeps no zone, so it is taken off going in and put back coming out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """SQLAlchemy's own, apart from the form that SQLite keeps (that of `DateTime`): every touch brings
        several times, and theirs in pieces takes longer than the row."""
        return _as_text if dialect.name == "sqlite" else _in_utc

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None] | None:
        """As above: a report reads thousands of times, and to put the zone on each afterwards takes seven times as
        long as to read them with it. PostgreSQL's driver tells them in UTC."""
        return _from_text if dialect.name == "sqlite" else None


def _in_utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no zone; times are aware UTC inside nurture")
    return value.astimezone(UTC)


@lru_cache(4096)  # one moment of a batch stands in many of its rows
def _as_text(value: datetime | None) -> str | None:
    utc = _in_utc(value)
    return utc.isoformat(" ", "microseconds")[:26] if utc else None


def _from_text(value: str | None) -> datetime | None:
    return datetime.fromisoformat(f"{value}+00:00") if value else None


Letters = String().with_variant(String(collation="C"), "postgresql")
"""Text that is compared letter by letter, so that an index finds what begins alike."""

Json = JSON().with_variant(JSONB(), "postgresql")


def refers(column: str) -> ForeignKey:
    """Checked at the commit, so that a batch may be written in any order."""
    return ForeignKey(column, deferrable=True, initially="DEFERRED")


def json(default: Callable[[], Any]) -> Any:
    """A column of JSON that begins as what `default` makes."""

    def fresh() -> Any:
        """Pydantic asks for the signature at every row, which for `dict` itself takes a quarter of a millisecond."""
        return default()

    return Field(default_factory=fresh, sa_column=Column(Json, nullable=False))


def moment(**kwargs: Any) -> Any:
    """A time column that must be set."""
    return Field(sa_column=Column(Moment, nullable=False, **kwargs))


def maybe(**kwargs: Any) -> Any:
    """A time column that may be empty."""
    return Field(default=None, sa_column=Column(Moment, nullable=True, **kwargs))


def lead() -> Any:
    return Field(sa_column=Column(String, refers("lead.id"), nullable=False, index=True))


def table(model: type[SQLModel]) -> Table:
    """The plain table, for statements that have no use for mapped objects, which cost more than the statement."""
    found: Table = model.__table__  # type: ignore[attr-defined]
    return found


def unless_there(
    session: AsyncSession, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]
) -> sqlite.Insert | postgresql.Insert:
    """Inserts the rows whose keys nobody has. Whoever inserts the same at the same moment is waited for."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert(model) if on_sqlite else postgresql.insert(model)
    return insert.values(rows).on_conflict_do_nothing()
