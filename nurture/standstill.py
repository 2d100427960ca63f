"""A process that stands still ends, so that whoever keeps it running starts another.

Only what would help by a new start counts: a database, or a Temporal, that is away stops no event loop.
"""

import asyncio
import faulthandler
from collections.abc import Coroutine
from typing import Any

_LONGEST = 60.0
"""Seconds. Nothing takes the event loop for more than one or two."""


async def watched(work: Coroutine[Any, Any, None], longest: float = _LONGEST) -> None:
    """Do the work. When the event loop has no turn for `longest` seconds the process ends with 1, and where it stood is
    on stderr. Python's own watchdog does that: no code of ours would be run."""
    alive = asyncio.create_task(_alive(longest))
    try:
        await work
    finally:
        alive.cancel()
        faulthandler.cancel_dump_traceback_later()


async def _alive(longest: float) -> None:
    while True:
        faulthandler.dump_traceback_later(longest, exit=True)
        await asyncio.sleep(longest / 6)
