"""Indexes of tables that have grown large, made and dropped by a migration while everybody goes on writing."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import sqlalchemy as sa
from alembic import op


def create_index(
    name: str, table: str, columns: Sequence[str], where: str = "", on_sqlite: str = ""
) -> None:
    """Of the rows for which `where` holds, or of all; `on_sqlite` is the condition as SQLite gets it in statements,
    letter by letter, where it is another. PostgreSQL makes it outside any transaction; one that was broken off left an
    index that is not valid and stands in the way, so it is dropped first and the migration may be run again."""
    with _outside():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name,
            table,
            columns,
            sqlite_where=sa.text(on_sqlite or where) if where else None,
            postgresql_where=sa.text(where) if where else None,
            postgresql_concurrently=True,
        )


def drop_index(name: str, table: str) -> None:
    with _outside():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)


def _outside() -> AbstractContextManager[None]:
    """SQLite has one writer at a time, whatever is written."""
    context = op.get_context()
    return nullcontext() if context.dialect.name == "sqlite" else context.autocommit_block()
