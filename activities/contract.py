"""What workflows and activities say to each other: ids in, the time of the next look out."""

from dataclasses import dataclass

from activities.queues import DECISIONS

ADVANCE_ENROLMENT = "enrolment.advance"
ADVANCE_HANDOVER = "handover.advance"
SYNC_AUDIENCE = "audience.sync"
SEND_REPORT = "report.send"
RECONCILE = "upkeep.reconcile"


@dataclass
class ReportOrder:
    """One sending of the report of that name; `at` (seconds since 1970) is when it was due."""

    plan: str
    at: int


@dataclass
class Reconcile:
    """Where the comparison of one night stands: in which part, behind what. Empty: at the beginning."""

    night: str = ""
    part: str = ""
    after: str = ""
    done: bool = False


@dataclass
class Next:
    """When to look again: at `wake_at` (seconds since 1970), or only when woken; `done`: never.

    `part` (see activities.queues) is where that look belongs, should nothing happen before; `urgent`: it goes
    ahead of the others there.
    """

    wake_at: float | None = None
    done: bool = False
    part: str = DECISIONS
    urgent: bool = False
