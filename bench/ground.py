"""What an installation stands on, as processes whose processor time and memory can be read: Temporal's dev server,
PostgreSQL, and workers that hand mails to nobody.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import insert
from temporalio.client import Client

from embedded import local, temporal
from embedded.processes import Processes
from nurture.playbook import Playbook
from nurture.store import enrolments, migrate, wakeups
from nurture.store.columns import table
from nurture.store.database import Database
from nurture.store.tables import LeadRow
from tests.support.ports import free_ports
from tests.support.postgres import own_postgres
from tests.support.world import consenting
from workflows.client import TemporalWaker

QUEUE = "bench"
_PAGE, _AT_ONCE = 500, 50
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Ground:
    """`mails` is where each worker process writes, at its end, whom it sent mails when."""

    client: Client
    db: Database
    url: str
    group: Processes
    address: str
    mails: Path
    postgres: int

    @asynccontextmanager
    async def workers(
        self, book: str, number: int = 1, env: Mapping[str, str] = MappingProxyType({})
    ) -> AsyncIterator[list[str]]:
        """So many worker processes; `book` names the function that makes their playbook, `env` their settings."""
        names = [f"worker-{n}" for n in range(number)]
        ready = [self.mails / f"{name}.ready" for name in names]
        for name, file in zip(names, ready, strict=True):
            file.unlink(missing_ok=True)
            words = ("bench.worker_process", self.address, self.url, book, str(file))
            await self.group.start(name, [sys.executable, "-m", *words], {**os.environ, **env})
        while not all(file.exists() for file in ready):  # noqa: ASYNC110 - another process raises no event
            await asyncio.sleep(0.05)
        try:
            yield names
        finally:
            for name in names:
                await self.group.stop(name)

    def used(self, *workers: str) -> dict[str, float]:
        """Seconds of processor so far."""
        return {
            "worker": sum(seconds(self.group.pid(name)) for name in workers),
            "temporal": seconds(self.group.pid("temporal")),
            "postgresql": sum(seconds(pid) for pid in _family(self.postgres)),
        }

    def memory(self, *workers: str) -> dict[str, float]:
        """Megabytes in use, those that processes share counted once for PostgreSQL."""
        return {
            "worker": sum(_megabytes(self.group.pid(name)) for name in workers),
            "temporal": _megabytes(self.group.pid("temporal")),
        }

    async def wake(self, runs: list[str], sender: str = "") -> None:
        """Start the workflows of these enrolments, as an outbox does; those that begin with a mail name its sender."""
        waker, free = TemporalWaker(self.client, QUEUE), asyncio.Semaphore(_AT_ONCE)

        async def start(run: str) -> None:
            async with free:
                await waker.wake(wakeups.ENROLMENT, run, "bench", sender)

        await asyncio.gather(*(start(run) for run in runs))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Ground]:
    port, ui = free_ports(2)
    (folder / "logs").mkdir()
    address = f"{local.HOST}:{port}"
    with own_postgres() as postgres:
        async with Processes(folder / "logs") as group:
            command = temporal.command(folder, local.HOST, port, ui)
            await group.start("temporal", command, {**os.environ, **temporal.VARIABLES})
            while not await temporal.answers(address):  # noqa: ASYNC110 - another process raises no event
                await asyncio.sleep(0.1)
            db = Database(postgres.url)
            try:
                await migrate.upgrade(db)
                client = await Client.connect(address)
                yield Ground(client, db, postgres.url, group, address, folder, postgres.pid)
            finally:
                await db.close()


async def enrol(db: Database, book: Playbook, flow: str, number: int, first: int = 0) -> list[str]:
    """Leads at the start of the flow; the ids of their enrolments, not yet started."""
    now, ids = datetime.now(UTC), list[str]()
    for start in range(first, first + number, _PAGE):
        page = range(start, min(start + _PAGE, first + number))
        async with db.write() as session:
            leads = [consenting(f"lead-{n}", now).model_dump() for n in page]
            await session.execute(insert(table(LeadRow)), leads)
            rows = [enrolments.begin(session, book, f"lead-{n}", flow, [], now) for n in page]
            ids += [row.id for row in rows]
    return ids


def milliseconds_each(
    before: Mapping[str, float], after: Mapping[str, float], number: int
) -> dict[str, float]:
    """Of processor, between two answers of `used`, for each of so many."""
    return {name: round(1000 * (after[name] - before[name]) / number, 1) for name in after}


def seconds(pid: int) -> float:
    """Of processor: user and system time, with that of children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def _megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    raise AssertionError("a process has a size")


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(child)
