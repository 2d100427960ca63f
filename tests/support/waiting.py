"""Waiting for what another process does, bounded."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], within: float = 10.0) -> None:
    """Returns when the condition holds; fails with TimeoutError when it does not come to hold."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - another process's doing raises no event here
            await asyncio.sleep(0.02)
