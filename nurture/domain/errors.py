"""Everything that can go wrong, in one tree.

    NurtureError
    ├── InputError           somebody handed us something unusable; names the place and the remedy
    │   └── PlaybookError    the playbook has findings; carries all of them
    ├── StartError           the product cannot start as it is configured
    └── DeliveryError        the outside world did not take what we sent
        ├── Permanent        sending the same again can never work
        │   ├── AddressRefused   the recipient's address is bad: suppress it
        │   ├── MailboxFull      the recipient's mailbox is full: this mail came back
        │   └── Gone             the receiver asked never to be called again
        ├── Transient        try again, not before `retry_after`
        │   ├── Deferred         the recipient's side asks for patience: no fault of the account
        │   ├── Contended        another transaction was in the way: the same again, now
        │   └── Unreadable       a kept playbook needs a newer release: until that, or another one, is there
        └── Unknown          it may or may not have arrived: never repeat silently

Adapters decide once which of these a failure is; nobody further up looks at status codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


class NurtureError(Exception):
    """Base of all errors that nurture raises on purpose."""


class InputError(NurtureError):
    """The caller's data cannot be used. `place` says where, the message what would be right."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place


@dataclass(frozen=True, order=True)
class Finding:
    """One thing wrong in the playbook. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.file}:{self.line}:{self.column}: {self.problem}{remedy}"


class PlaybookError(InputError):
    """The playbook cannot come into force. `findings` holds every problem, in file order."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class StartError(NurtureError):
    """A setting, a port, the disk or the database schema keeps a process from starting."""


class DeliveryError(NurtureError):
    """A mail, webhook or audience change was not taken. `reason` is a short stable word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Permanent(DeliveryError):
    """The same request can never succeed."""


class AddressRefused(Permanent):
    """The mailbox does not exist or refuses us for good (SMTP 5.1.x, 5.2.1)."""


class MailboxFull(Permanent):
    """The mailbox takes nothing more (SMTP 5.2.2): this mail came back, a later one may get in."""


class Gone(Permanent):
    """The receiver answered that it wants no further calls (HTTP 410)."""


class Transient(DeliveryError):
    """Worth another try, not before `retry_after` when the receiver named a time."""

    def __init__(self, reason: str, detail: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(reason, detail)
        self.retry_after = retry_after


class Deferred(Transient):
    """This recipient takes no mail for now (SMTP 450 4.1.2, greylisting, a full mailbox). It says nothing against the
    account, nor, for days, against the address (RFC 5321, 4.5.4.1)."""


class Contended(Transient):
    """Two wanted the same rows at the same moment, and this one gave way. Nothing of it was kept."""


class Unreadable(Transient):
    """A playbook that came into force with a newer release says what this one does not know."""


class Unknown(DeliveryError):
    """The connection broke after the payload was handed over: it may have arrived. `repeatable`: the receiver
    knows it by its id, so for a while the same may be sent again and arrives once."""

    def __init__(self, reason: str, detail: str = "", repeatable: bool = False) -> None:
        super().__init__(reason, detail)
        self.repeatable = repeatable
