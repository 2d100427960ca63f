"""The first schema as it was, whatever has become of its tables since: for migration 0001 alone."""

from collections.abc import Sequence

import sqlalchemy as sa

FIRST = sa.MetaData()


def refers(column: str, to: str) -> sa.ForeignKeyConstraint:
    """Held against what it refers to when the transaction ends."""
    return sa.ForeignKeyConstraint([column], [to], deferrable=True, initially="DEFERRED")


def only(name: str, columns: Sequence[str], where: str, unique: bool = False) -> sa.Index:
    """An index of the rows of which `where` holds."""
    which = sa.text(where)
    return sa.Index(name, *columns, unique=unique, sqlite_where=which, postgresql_where=which)
