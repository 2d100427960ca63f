"""A worker of the benches: `python -m bench.worker_process ADDRESS DATABASE BOOK READY`, until SIGTERM.

BOOK names a function (`bench.due:book`) that makes the playbook. Mails are taken by nobody, at once; whom each was
for and when it came is written beside the file READY, which says that work is asked for.
"""

import asyncio
import gc
import importlib
import json
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import uvloop
from temporalio.client import Client

from bench.ground import QUEUE
from nurture import settings
from nurture.ports import Mail
from nurture.store.database import Database
from tests.support.temporal import Postbox, Stage
from workflows.tuning import Tuning


class Dated(Postbox):
    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[str, float]] = []

    async def send(self, mail: Mail) -> str:
        self.times.append((mail.to, time.time()))
        return f"provider-{len(self.times)}"


async def main(address: str, database: str, book: str, ready: str) -> None:
    stop, file = asyncio.Event(), Path(ready)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    module, _, name = book.partition(":")
    db, mailer = Database(database), Dated()
    stage = Stage(cast(Any, SimpleNamespace(client=await Client.connect(address))), db)
    stage.queue, stage.mailer = QUEUE, mailer
    stage.book.book = getattr(importlib.import_module(module), name)()
    gc.freeze()
    async with stage.working(sandbox=False, tuning=Tuning.of(settings.load())):
        file.touch()  # noqa: ASYNC240
        await stop.wait()
    file.with_suffix(".json").write_text(json.dumps(mailer.times))
    await db.close()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
