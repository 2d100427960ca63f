"""A sync whose process is killed goes on at the batch it was at."""

import asyncio
import signal
import sys
from asyncio.subprocess import Process

from embedded.ads.platform import AdPlatform
from nurture.store.database import Database
from tests.support.lists import Lists
from tests.support.waiting import until


async def started(database_url: str, platform: AdPlatform, *more: str) -> Process:
    words = ("-m", "tests.support.list_process", database_url, platform.url, *more)
    return await asyncio.create_subprocess_exec(sys.executable, *words)


async def test_kill_9_in_mid_sync_costs_one_batch_at_most(database_url: str, db: Database) -> None:
    lists = Lists(db)
    ids = {await lists.tell(n) for n in range(40)}
    platform = AdPlatform(0, "t")
    await platform.start()
    try:
        process = await started(database_url, platform, "3")
        await until(lambda: platform.meta.record.count >= 3, 60)
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        assert platform.meta.members.size("238") == 15
        assert await (await started(database_url, platform)).wait() == 0
        assert platform.meta.members.keys("238") == ids
        assert platform.meta.record.count == len(ids) // 5 + 1
    finally:
        await platform.stop()
