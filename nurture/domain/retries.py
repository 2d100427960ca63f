"""When to tell a receiver again after a failed try: soon at first, then over three days, then never.

The Standard Webhooks specification 1.0.0 leaves the waits to the sender. Its example goes from five seconds straight to
five minutes; each of ours is half as long again as the one before, so that a receiver which is away for a moment makes
nothing later than by half as long again.

And how long a recipient's side may put a mail off, be it to us or to a server that took it from us.
"""

from datetime import datetime, timedelta
from hashlib import sha256

from nurture.domain.errors import NurtureError, Transient

_FIRST, _LONGEST = timedelta(seconds=1), timedelta(hours=24)
_GROWTH, _TRIES = 1.5, 29

WAITS = tuple(min(_FIRST * _GROWTH**n, _LONGEST) for n in range(_TRIES))
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


def wait_after(problem: NurtureError, attempt: int, id: str) -> timedelta | None:
    """As `retry_schedule`, and at least as long as the receiver asks for."""
    wait = retry_schedule(attempt, id)
    asked = problem.retry_after if isinstance(problem, Transient) else None
    return max(wait, asked) if wait and asked else wait


_PUT_OFF = 5
"""In days. RFC 5321 (4.5.4.1) says four or five, then the mail came back."""


def comes_back(put_off: datetime, day: timedelta, max_hold: timedelta) -> datetime:
    """Until when a mail is tried again that its recipient's side put off first at `put_off`; no longer than the
    flow would hold it itself. `day` is what the playbook calls one."""
    return put_off + min(_PUT_OFF * day, max_hold)


def reported(sent: datetime, day: timedelta) -> datetime:
    """By when one hears of a mail that was taken then and did not arrive."""
    return sent + _PUT_OFF * day
