"""The clock of decisions is Temporal's: the time the server started this attempt.

So all workers agree, a retry after an outage sees the present, and a test that skips weeks skips them here too.
"""

from datetime import datetime

from temporalio import activity


def now() -> datetime:
    return activity.info().started_time
