"""kill -9 between claim, hand-over and record: no mail is lost, and none goes out twice unseen.

`NURTURE_TEST_KILLS=200` kills that many processes; a few otherwise.
"""

import asyncio
import os
import random
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from nurture.store import enrolments, migrate
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, MessageRow
from tests.support.domain import NOW
from tests.support.esp.resend import KEY, Resend
from tests.support.mail import Post
from tests.support.sending_process import book
from tests.support.world import World, consenting

KILLS = int(os.environ.get("NURTURE_TEST_KILLS", "3"))
MAILS_A_LIFE = 12
PAUSE = 0.03


async def _enrolled(database: str, provider: str) -> World:
    """Leads whose only mail is due."""
    world = World(Database(database))
    await migrate.upgrade(world.db)
    playbook = book(provider)
    async with world.outbox.write() as session:
        for n in range(KILLS * MAILS_A_LIFE):
            lead = consenting(f"lead-{n}", NOW)
            session.add(lead)
            await session.flush()
            enrolments.begin(session, playbook, lead.id, "welcome", [], NOW)
    await world.outbox.drain()
    return world


@asynccontextmanager
async def _processes(database: str, provider: str, **env: str) -> AsyncIterator["Processes"]:
    words = ("-m", "tests.support.sending_process", database, provider)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdin=pipe, stdout=pipe, env={**os.environ, **env}
    )
    yield Processes(process)
    assert process.stdin
    process.stdin.close()
    await process.wait()


class Processes:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        self._ask, self._told = process.stdin, process.stdout

    async def live(self, until: Callable[[], bool], more: float = 0.0) -> int:
        """One process, killed so many seconds after that if it is not through before; how it ended."""
        self._ask.write(b"\n")
        pid = int(await self._told.readline())
        end = asyncio.ensure_future(self._told.readline())
        while not end.done() and not until():
            await asyncio.wait([end], timeout=0.002)
        await asyncio.wait([end], timeout=more)
        if not end.done():
            os.kill(pid, signal.SIGKILL)
        return int(await end)


async def _lives(processes: Processes, begun: Callable[[], int], chance: random.Random) -> None:
    """Kill each process at some moment of its first mails; let the last one finish."""
    for _ in range(KILLS):
        enough = begun() + chance.randint(1, 3)
        ended = await processes.live(partial(_reached, begun, enough), chance.uniform(0, 2 * PAUSE))
        assert ended == -signal.SIGKILL, "too few mails for so many kills"
    assert await processes.live(lambda: False) == 0


def _reached(begun: Callable[[], int], enough: int) -> bool:
    return begun() >= enough


async def test_kill_9_loses_no_mail_and_repeats_none(tmp_path: Path) -> None:
    chance = random.Random(1)
    database = f"sqlite+aiosqlite:///{tmp_path / 'killed.db'}"
    world = await _enrolled(database, "smtp")
    async with Post(pause=lambda: chance.uniform(0, PAUSE)) as post:
        env = {"NURTURE_SMTP_PORT": str(post.port)}
        async with _processes(database, "smtp", **env) as processes:
            await _lives(processes, lambda: post.begun, chance)
        arrived = Counter(
            re.search(rb"Message-ID: <([^@]+)@", bytes(envelope.content or b""))[1].decode()  # type: ignore[index]
            for envelope in post.received
        )
    rows = {row.id: row.state for row in await world.rows(MessageRow)}
    runs = await world.rows(EnrolmentRow)
    await world.db.close()
    assert len(rows) == KILLS * MAILS_A_LIFE == sum(run.ended == "finished" for run in runs)
    assert set(rows.values()) <= {"accepted", "unknown"}
    assert all(count == 1 for count in arrived.values())
    assert {id_ for id_, state in rows.items() if state == "accepted"} <= arrived.keys()
    states = Counter(rows.values())
    assert states["unknown"] > 0
    sys.stdout.write(f"{KILLS} kills: {dict(states)}, {len(arrived)} arrived\n")


async def test_a_provider_that_knows_our_mails_leaves_none_in_doubt(tmp_path: Path) -> None:
    chance = random.Random(2)
    database = f"sqlite+aiosqlite:///{tmp_path / 'killed.db'}"
    world = await _enrolled(database, "resend")
    provider = Resend()
    provider.pause = lambda: chance.uniform(0, PAUSE)
    async with provider:
        env = {"NURTURE_MAIL_KEYS": f"it={KEY}", "NURTURE_MAIL_URLS": f"it={provider.url}"}
        async with _processes(database, "resend", **env) as processes:
            await _lives(processes, lambda: len(provider.requests), chance)
    rows = await world.rows(MessageRow)
    await world.db.close()
    assert {row.state for row in rows} == {"accepted"}
    assert Counter(taken.key for taken in provider.taken) == Counter(row.id for row in rows)
    assert len(rows) == KILLS * MAILS_A_LIFE
    assert len(provider.requests) > len(provider.taken), "some were asked for twice"
