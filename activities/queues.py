"""Which task queue does what. Workflows and decisions are on the base queue; what talks to the outside has its own,
so that a slow receiver or a provider's limit holds up nothing else.
"""

DECISIONS = "decisions"
WEBHOOKS = "webhooks"
"""What sales and other receivers are told, and the reports."""
ADS = "ads"
MAIL = "mail"
"""One queue for each sender: `mail.<sender>`."""

PARTS = (DECISIONS, WEBHOOKS, ADS, MAIL)


def mail(sender: str) -> str:
    """The part that sends this sender's mails."""
    return f"{MAIL}.{sender}"


def named(base: str, part: str) -> str:
    """The task queue's name in Temporal."""
    return base if part == DECISIONS else f"{base}.{part}"


def sender_of(task_queue: str) -> str | None:
    """Whose mails may be sent from this task queue; None: nobody's. A sender's name has no dot in it."""
    _, found, sender = task_queue.rpartition(f".{MAIL}.")
    return sender if found else None
