"""When to tell sales again after a failed try: soon at first, then over three days, then never.

The waits are the example schedule of the Standard Webhooks specification 1.0.0.
"""

from datetime import timedelta
from hashlib import sha256

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After the first try, which is made at once, the second, and so on."""

JITTER = 0.1
"""At most this part of a wait is added, so that what failed together is not tried again together."""


def retry_schedule(attempt: int, id: str) -> timedelta | None:
    """How long to wait after try number `attempt` (from 1) failed; None: it was the last one.

    The same for the same attempt and id, so a repeated activity computes the same moment.
    """
    if attempt < 1:
        raise ValueError("attempts are counted from 1")
    if attempt > len(WAITS):
        return None
    digest = sha256(f"{id}/{attempt}".encode()).digest()
    part = int.from_bytes(digest[:8], "big") / 2**64
    return WAITS[attempt - 1] * (1 + JITTER * part)
