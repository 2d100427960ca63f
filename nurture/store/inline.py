"""SQLite on the event loop itself, for short writing transactions.

A statement takes microseconds; handing it to aiosqlite's thread and back costs many times that, five times
per statement, all the while holding the one write lock (docs/decisions/0005). Reading goes through the
thread, since a report may take longer than a moment.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import aiosqlite

_PAGE = 64


class InlineConnection(aiosqlite.Connection):
    """Executes at once instead of queueing; everything else is aiosqlite's."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("connection closed")
        return fn(*args, **kwargs)


def creator(file: str) -> Callable[[], Awaitable[aiosqlite.Connection]]:
    """For create_async_engine's `async_creator`."""

    async def connect() -> aiosqlite.Connection:
        connection = InlineConnection(lambda: sqlite3.connect(file, check_same_thread=False), _PAGE)
        connection._thread.daemon = True
        return await connection

    return connect
