"""What mail systems tell us of a mail, in one vocabulary, and what it makes of the mail's entry in the ledger.

Events arrive late, twice and in any order. So a state only ever rises: whatever the order, the same events
leave the same state (see `after`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What happened. `deferred`: the receiver will be asked again. `rejected`: never sent. A soft bounce is
    for now (mailbox full, policy), a hard one for good. `opened` and `clicked` are kept and count for
    nothing: our own links count."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    SOFT_BOUNCE = "soft_bounce"
    HARD_BOUNCE = "hard_bounce"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    OPENED = "opened"
    CLICKED = "clicked"


HARD_BOUNCE = "hard_bounce"
AGAINST_THE_LEAD = {Kind.HARD_BOUNCE: HARD_BOUNCE, Kind.COMPLAINED: "complaint"}
"""What suppresses a lead, and the reason that the gate then gives."""


@dataclass(frozen=True)
class Event:
    """One thing told about one mail. `id` is the provider's own, or made of what was told.

    `mails` are names of the mail: our key, a Message-ID, the provider's id. `to` is the recipient, when
    whoever tells can be trusted with it. `nonce` may come only once. `raw` is the event as it came. `sent`: whether
    it says that the mail went out; one that nobody ever took did not.
    """

    id: str
    kind: Kind
    at: datetime
    mails: tuple[str, ...] = ()
    to: str = ""
    reason: str = ""
    raw: str = ""
    nonce: str | None = None
    sent: bool = True


@dataclass(frozen=True)
class Fate:
    """A mail's entry in the ledger. `bounce` is "hard" or "soft" once it came back."""

    state: str
    bounce: str | None = None


_STATES = (
    "refused",
    "planned",
    "claimed",
    "unknown",
    "accepted",
    "delivered",
    "failed",
    "bounced",
    "complained",
)
"""Each knows more than those before it. News of a refused mail say that it went out after all."""

_BOUNCES = (None, "soft", "hard")
_BECOMES = {
    Kind.ACCEPTED: Fate("accepted"),
    Kind.DEFERRED: Fate("accepted"),
    Kind.DELIVERED: Fate("delivered"),
    Kind.REJECTED: Fate("failed"),
    Kind.SOFT_BOUNCE: Fate("bounced", "soft"),
    Kind.HARD_BOUNCE: Fate("bounced", "hard"),
    Kind.COMPLAINED: Fate("complained"),
    Kind.UNSUBSCRIBED: Fate("delivered"),
    Kind.OPENED: Fate("delivered"),
    Kind.CLICKED: Fate("delivered"),
}


def after(fate: Fate, kind: Kind) -> Fate:
    """The higher of both, so that a late "delivered" takes no bounce back."""
    told = _BECOMES[kind]
    return Fate(
        max(fate.state, told.state, key=_STATES.index),
        max(fate.bounce, told.bounce, key=_BOUNCES.index),
    )


def by_now(fate: Fate, read: bool, reported: bool) -> Fate:
    """The same, with what nobody tells: a mail that a person `read` has arrived, and so has one that was taken so long
    ago that its failure would be `reported`. Over SMTP that is all one ever hears of it."""
    arrived = read or (reported and fate.state == "accepted")
    return Fate("delivered") if arrived else fate


def soft_bounces_in_a_row(latest_first: Iterable[Fate]) -> int:
    """How many of a lead's latest mails came back for a passing reason, since one arrived. Mails of which
    nothing is known say nothing."""
    count = 0
    for fate in latest_first:
        if fate.bounce == "soft":
            count += 1
        elif fate.state in ("delivered", "complained"):
            break
    return count


def graver(suppressed: str | None, reason: str | None) -> str | None:
    """Of two reasons to send no more mail, always the same one, whichever came first; None when there is none."""
    order = (HARD_BOUNCE, "complaint", "erased")
    known = [each for each in (suppressed, reason) if each]
    return max(
        known, key=lambda each: order.index(each) if each in order else len(order), default=None
    )
