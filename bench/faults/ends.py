"""What the checker looks at: the receiving ends as they are in the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

CREATED, ESCALATED = "lead.handover.created", "lead.handover.escalated"


@dataclass(frozen=True)
class Mail:
    """As it lies in the inbox; `at` is when it came, by the inbox's clock."""

    to: str
    subject: str
    at: datetime


@dataclass(frozen=True)
class Notice:
    """As sales' receiver took it, in order. `happened` is what it says itself, `at` when it came, by the receiver's
    clock."""

    kind: str
    handover: str
    email: str
    happened: datetime
    at: datetime


@dataclass(frozen=True)
class Call:
    """A flow's webhook step as the CRM took it, in order. `id` is the key under which it may come again."""

    id: str
    flow: str
    email: str
    at: datetime


@dataclass(frozen=True)
class Ends:
    """The receiving ends, and what the product says of itself: unknown mails as (address, step) with the moment of
    their claim, and how many pages each address looked at. `members` as the ad platform knows them (drill.member)."""

    mails: Sequence[Mail]
    notices: Sequence[Notice]
    calls: Sequence[Call]
    members: Sequence[str]
    unknown: Mapping[tuple[str, str], datetime]
    pages: Mapping[str, int]
