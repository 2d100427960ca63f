"""What the doors hand to intake and to the sales desk: parsed, checked, still unattributed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from nurture.domain.consent import ConsentRecord
from nurture.domain.lead import NOTHING
from nurture.domain.sla import State

IDENTIFIED = "identified"
"""The touch of a message that only tells who somebody is."""


class Incoming(NamedTuple):
    """One message from a website, form, CRM or import, already time-corrected (`at`, UTC).

    At least one of `anonymous_id`, `user_id`, `email` is set. `touch` is the touch's name (`page`,
    `form_submitted`, or a track call's event in snake_case); None for a message that only tells traits.
    `previous_id` (alias) is another id of the same person. `trusted` sources (server keys, forms with the
    wording shown, imports) may set consent; a browser's word never grants any. `stage`: where another
    system says the lead stands, and its `reason`; only a trusted source's word is heard. `requests`: consents
    given in the lead's name that count once its mailbox confirms them.

    A tuple, since nothing else is made as often.
    """

    message_id: str
    at: datetime
    anonymous_id: str | None = None
    user_id: str | None = None
    previous_id: str | None = None
    email: str | None = None
    touch: str | None = None
    properties: Mapping[str, Any] = NOTHING
    traits: Mapping[str, Any] = NOTHING
    consents: tuple[ConsentRecord, ...] = ()
    requests: tuple[ConsentRecord, ...] = ()
    trusted: bool = False
    stage: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Receipt:
    """What became of a batch. `refused`: message id and why."""

    accepted: int = 0
    duplicates: int = 0
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Answer:
    """What sales says of a handover. `how` is the evidence of a contact (call, mail, meeting, sms).

    A rejection and a snooze need one of the playbook's reasons; won needs an amount in whole units of
    `currency`. `until`: the end of a snooze, when the booked meeting is, or before when a rejected lead
    should not come back.
    """

    state: State
    at: datetime
    by: str = "sales"
    reason: str | None = None
    how: str | None = None
    amount: int | None = None
    currency: str | None = None
    until: datetime | None = None
