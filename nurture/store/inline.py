"""SQLite on the event loop itself, for short writing transactions.

A statement takes microseconds; handing it to aiosqlite's thread and back costs many times that, five times
per statement, all the while holding the one write lock (docs/decisions/0005). Reading goes through the
thread, since a report may take longer than a moment.
"""

import sqlite3
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool


class Inline(SQLiteDialect_pysqlite):
    """The standard library's driver behind SQLAlchemy's asynchronous face: it answers at once, nothing is awaited."""

    driver = "inline"
    is_async = True
    supports_statement_cache = True


class _Cursor(sqlite3.Cursor):
    async def _async_soft_close(self) -> None:
        """SQLAlchemy's word to an asynchronous cursor that its rows are in memory; here they need not be."""


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


def to_text(value: Any) -> str:
    """JSON for a column, several times as fast as the standard library's."""
    return to_json(value).decode()


def engine(file: str) -> AsyncEngine:
    """An engine for the database in `file`."""
    registry.register("sqlite.inline", __name__, Inline.__name__)
    return AsyncEngine(
        create_engine(
            f"sqlite+inline:///{file}",
            poolclass=AsyncAdaptedQueuePool,
            connect_args={"factory": _Connection},
            json_serializer=to_text,
            json_deserializer=from_json,
            hide_parameters=True,
        )
    )
