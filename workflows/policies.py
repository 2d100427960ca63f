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

HEARTBEAT = timedelta(seconds=30)
"""An attempt that is silent for so long died with its worker, and is tried again (see heartbeats)."""

RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=1.5,
    maximum_interval=timedelta(minutes=5),
)
"""What fails for a while is late by half as long again, and never by more than the longest interval."""

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
