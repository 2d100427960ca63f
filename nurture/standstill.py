"""A process that stands still ends, so that whoever keeps it running starts another.

Only what would help by a new start counts: a database, or a Temporal, that is away stops no event loop for long.
"""

import asyncio
import faulthandler
import os
import sys
from collections.abc import Coroutine
from threading import Event, Thread
from typing import Any

_LONGEST = 60.0
"""Seconds. Nothing takes the event loop for more than one or two."""

_LOOKS = 6


async def watched(work: Coroutine[Any, Any, None], longest: float = _LONGEST) -> None:
    """Do the work. When the event loop has no turn for `longest` seconds the process ends with 1, and where it stood is
    on stderr."""
    beats, over = _Beats(), Event()
    Thread(target=_watch, args=(beats, over, longest), name="standstill", daemon=True).start()
    beating = asyncio.create_task(beats.go_on(longest / _LOOKS))
    try:
        await work
    finally:
        beating.cancel()
        over.set()


class _Beats:
    def __init__(self) -> None:
        self.number = 0

    async def go_on(self, pause: float) -> None:
        while True:
            self.number += 1
            await asyncio.sleep(pause)


def _watch(beats: _Beats, over: Event, longest: float) -> None:
    """Looks in a row without a beat are counted, not the time between: a process that was held (`kill -STOP`, a frozen
    container, a laptop's lid) misses one."""
    seen, missed = 0, 0
    while not over.wait(longest / _LOOKS):
        missed = missed + 1 if beats.number == seen else 0
        seen = beats.number
        if missed == _LOOKS:
            faulthandler.dump_traceback(sys.stderr)
            os._exit(1)
