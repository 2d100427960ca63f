"""One engine, two kinds of transaction: reading, and writing (which takes SQLite's one write lock at once)."""

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, nullcontext
from pathlib import Path
from typing import Any

from pydantic_core import from_json
from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, InvalidRequestError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from nurture.domain.errors import Transient
from nurture.store import address, inline
from nurture.store.away import leave_read_only, told_apart
from nurture.store.locked import FreshSession
from nurture.store.turn import Turn

_BUSY_MS = 30_000
_SILENT_MS = 60_000
"""PostgreSQL takes its locks back from who says nothing in a transaction for so long: a machine that vanished. None of
ours waits for anything else in one."""

_ANSWERS_WITHIN = 2
"""Seconds until whoever probes us is told that it does not: they do not wait for ever either."""

_MAY_WRITE = """DO $$ BEGIN
IF current_setting('transaction_read_only')::boolean THEN
  RAISE read_only_sql_transaction USING MESSAGE = 'what answers in its place takes no changes';
END IF; END $$"""
"""Fails as a change would, so that the connections to a former primary are left (see leave_read_only) also when nobody
sends a change any more, since we told that we are not ready."""

_KEEPALIVE = {
    "SO_KEEPALIVE": 1,
    "TCP_KEEPIDLE": 15,
    "TCP_KEEPINTVL": 15,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 60_000,
}
"""A server that vanished without a word is given up after a minute. By default Linux waits for hours, and whoever asked
with it. What the system does not know by name it does without."""

_CHECKPOINT_PAGES, _CACHE_KB = 8_000, 32_000
"""A batch of touches changes some 200 pages all over the indexes. They are copied into the file once for many
batches (every 32 MB), and those of 100,000 leads are still in memory when the next batch comes."""


class Database:
    """Opens connections when first used; `close` gives them back.

    SQLite has one writer at a time; who is next is settled before its own lock is asked (see Turn).
    """

    def __init__(self, url: str, pool: int = 10) -> None:
        parsed = address.read(url)
        try:
            self.sqlite = parsed.get_backend_name() == "sqlite"
            options: dict[str, Any] = {
                "pool_size": pool,
                "max_overflow": pool,
                "json_serializer": inline.to_text,
                "json_deserializer": from_json,
                "hide_parameters": True,  # an error's text ends in logs and in Temporal's history
            }
            self.engine: AsyncEngine = create_async_engine(parsed, **options)
        except (ArgumentError, NoSuchModuleError, ImportError, InvalidRequestError) as error:
            raise address.unusable(error) from error
        self._writer, self._turn = self.engine, None
        self._file = file = parsed.database if self.sqlite else None
        if self.sqlite:
            self._turn = Turn(_lock_file(file))
            if self._turn.file and file:
                self._writer = inline.engine(file)
            for engine in {self.engine, self._writer}:
                event.listen(engine.sync_engine, "do_connect", _try_sqlite)
                event.listen(engine.sync_engine, "connect", _prepare_sqlite)
                event.listen(engine.sync_engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine.sync_engine, "connect", _prepare_postgresql)
            event.listen(self.engine.sync_engine, "handle_error", leave_read_only)
        self._writing = self._writer.execution_options(nurture_write=True)
        self._kind: type[Session] = Session if self.sqlite else FreshSession

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A transaction that changes nothing. Raises Transient while the database is away."""
        with told_apart():
            async with (
                AsyncSession(self.engine, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session

    @asynccontextmanager
    async def peek(self) -> AsyncIterator[AsyncSession]:
        """A `read` of some rows by their keys, which takes no longer than the way through a thread and back would:
        on SQLite the event loop itself does it, as it does what is written."""
        with told_apart():
            async with (
                AsyncSession(self._writer, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A transaction that commits at the end of the block, or leaves no trace if it raises.

        Raises Transient while the database is away.
        """
        with told_apart():
            async with (
                self.turn(),
                AsyncSession(
                    self._writing, sync_session_class=self._kind, expire_on_commit=False
                ) as session,
            ):
                yield session
                await session.commit()

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Nobody else writes to the SQLite file in the block; PostgreSQL needs no such thing."""
        return self._turn.take() if self._turn else nullcontext()

    async def ping(self) -> str | None:
        """None when the database answers soon and takes changes, else what is wrong."""
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN):
                async with self.read() as session:
                    await session.execute(text("SELECT 1" if self.sqlite else _MAY_WRITE))
                if self._file and (problem := await asyncio.to_thread(_refusal, self._file)):
                    return f"the database takes no changes: {problem}"
        except Transient as error:
            return f"the database does not answer: {error.detail}"
        except TimeoutError:
            return f"the database does not answer within {_ANSWERS_WITHIN} s"
        return None

    async def close(self) -> None:
        await self.engine.dispose()
        await self._writer.dispose()
        if self._turn:
            self._turn.close()


def _refusal(file: str) -> str | None:
    """What keeps the SQLite file from taking changes, such as a full disk. Who else writes just now shows that it does
    take them."""
    try:
        where = f"{Path(file).absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(where, timeout=0, isolation_level=None, uri=True)) as found:
            for pragma in ("synchronous=NORMAL", "wal_autocheckpoint=0"):  # it holds nobody up
                found.execute(f"PRAGMA {pragma}")
            found.execute("PRAGMA user_version = 0")  # which nobody reads
    except sqlite3.OperationalError as error:
        return None if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY else str(error)
    return None


def _lock_file(database: str | None) -> Path | None:
    if not database or database == ":memory:":
        return None
    return Path(f"{database}-turn")


def _try_sqlite(
    _dialect: object, _record: object, words: list[Any], options: dict[str, Any]
) -> None:
    """aiosqlite leaves its thread behind when a file cannot be opened, to stumble over the end of the event
    loop; so that is found out without it."""
    sqlite3.connect(*words, **options).close()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_MS}",
        f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
        f"cache_size=-{_CACHE_KB}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_postgresql(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET SESSION idle_in_transaction_session_timeout = {_SILENT_MS}")
    cursor.close()
    connection.commit()
    transport = connection.driver_connection._transport  # asyncpg has no word for it
    line = transport.get_extra_info("socket")
    if line.family == socket.AF_UNIX:
        return
    for name, value in _KEEPALIVE.items():
        if option := getattr(socket, name, None):
            level = socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP
            line.setsockopt(level, option, value)


def _begin_sqlite(connection: Connection) -> None:
    """A deferred transaction that later wants to write can fail at once; a writer says so from the start."""
    writes = connection.get_execution_options().get("nurture_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
