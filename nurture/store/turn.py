"""Whose turn it is to write to a SQLite file, among tasks and among processes.

SQLite's own waiting is a loop that sleeps ever longer: a process that writes all the time starves one that
writes now and then. A lock on a file beside the database wakes the next in line as soon as it is free, and
the kernel takes it back from a process that dies.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class Turn:
    """One holder at a time. Without a file (a database in memory) only among this process's tasks."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._mine = asyncio.Lock()
        self._handle: int | None = None

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        async with self._mine:
            handle = self._open()
            if handle is None:
                yield
                return
            await _lock(handle)
            try:
                yield
            finally:
                fcntl.flock(handle, fcntl.LOCK_UN)

    def close(self) -> None:
        self._mine = asyncio.Lock()  # whoever goes on with it does so in a loop of his own
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _open(self) -> int | None:
        if self._handle is None and self.file is not None:
            self._handle = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600)
        return self._handle


async def _lock(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        await asyncio.to_thread(fcntl.flock, handle, fcntl.LOCK_EX)
