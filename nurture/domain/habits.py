"""What people did so far: shares and times counted from one's own history, for a forecast to begin with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

ENOUGH_MAILS, ENOUGH_HANDOVERS = 100, 20
"""Fewer say nothing: a share of them would be chance."""


@dataclass(frozen=True)
class Reactions:
    """Of mails sent, how many different ones a person opened and clicked, answered, or unsubscribed after.

    None: not counted. Replies and unsubscriptions are known of all mails together only.
    """

    sent: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int | None = None
    unsubscribed: int | None = None

    @property
    def enough(self) -> bool:
        return self.sent >= ENOUGH_MAILS


@dataclass(frozen=True)
class Answers:
    """Of handovers, what sales said in the end, and after how long on average (zero: nobody ever)."""

    closed: int = 0
    accepted: int = 0
    won: int = 0
    contacted_after: timedelta = timedelta()
    decided_after: timedelta = timedelta()

    @property
    def enough(self) -> bool:
        return self.closed >= ENOUGH_HANDOVERS


@dataclass(frozen=True)
class Habits:
    """`steps` by flow and step."""

    mails: Reactions = Reactions()
    steps: Mapping[tuple[str, str], Reactions] = field(default_factory=dict)
    sales: Answers = Answers()
