"""Time-outs and retries, in one place.

An activity that fails is tried again for ever, ever more slowly: a lead must not be dropped because a
database was down for a day. What can never succeed is not an error here: activities turn it into a result.
"""

from dataclasses import replace
from datetime import timedelta

from temporalio.common import Priority, RetryPolicy

STEP = timedelta(minutes=2)
"""One activity attempt: longer than every network time-out inside it together."""

SYNC = timedelta(minutes=15)
"""One look at an audience, or one page of the nightly comparison."""

HEARTBEAT = timedelta(seconds=4)
"""An attempt that is silent for so long died with its worker, or on its way to one, and is tried again (see
heartbeats). With the second after which that is, nothing that died holds a lead up for more than five:
docs/decisions/0021."""

DECIDING = HEARTBEAT
"""The same for a workflow's own turn, which takes milliseconds."""

REMEMBERED = HEARTBEAT
"""So long a turn waits for the worker that has its workflow in its cache; then anybody may read its history and go on.
Temporal learns of a killed one only when it has not asked for work for ten seconds. Where everybody has too much to do,
reading histories makes it twice as much."""

RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=1.3,
    maximum_interval=timedelta(minutes=5),
)
"""What fails for a while is late by a third as long again, and never by more than the longest interval."""

PROMISED = replace(RETRY, maximum_interval=timedelta(minutes=1))
"""A promise to sales, and what a lead waits for, is looked at again sooner: there is less of it."""

DEBOUNCE = timedelta(seconds=1)
"""Changes to an audience that come this close together go out in one batch."""

URGENT, USUAL, PATIENT = (
    Priority(priority_key=1),
    Priority(priority_key=3),
    Priority(priority_key=4),
)
"""Who goes first where many wait: a promise to sales and a mail that the lead waits for, then the flows, each in
its turn (see client), then the ad platforms. A thousand enrolments at once delay no handover, and no other flow."""
