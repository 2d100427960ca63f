"""What the core asks of the outside world. Adapters under nurture/delivery implement these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, runtime_checkable

from nurture.domain.audience import Progress


@dataclass(frozen=True)
class Dkim:
    """How mails are signed: the key is published under `<selector>._domainkey.<domain>`."""

    domain: str
    selector: str


@dataclass(frozen=True)
class Mail:
    """One rendered message to one recipient. `id` is its key in the ledger and on the wire.

    `return_path` is where mail systems send what cannot be delivered; None: to the sender. In it `{mail}`
    stands for the id. `dkim`: we sign it ourselves, where nobody else does.
    """

    id: str
    to: str
    sender: str
    sender_name: str
    subject: str
    html: str
    text: str
    reply_to: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    return_path: str | None = None
    dkim: Dkim | None = None


@dataclass(frozen=True)
class MailAccount:
    """Where mails are handed in. Of the rest, each kind of `provider` reads what it needs."""

    id: str
    provider: str
    domain: str = ""
    region: str = ""
    stream: str = ""
    connections: int = 4
    per_domain: int | None = None


SMTP_ACCOUNT = MailAccount("smtp", "smtp")
"""The mail server of the settings: there without being named."""


class Mailer(Protocol):
    """`known_for`: so long after its first attempt, a mail that is handed over again is known by its id and
    goes out once. Zero: the provider does not know mails by our ids."""

    known_for: timedelta

    async def send(self, mail: Mail) -> str:
        """Hand the mail over; the provider's id of it. Raises Permanent, Transient (it certainly was not
        taken) or Unknown."""
        ...


class Mailers(Protocol):
    def of(self, account: MailAccount) -> Mailer:
        """Raises Transient when nothing is known of how to reach it: an operator can mend that."""
        ...


@dataclass(frozen=True)
class Person:
    """A member of an audience, in clear: each platform's adapter normalises and hashes."""

    lead_id: str
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    country: str | None = None


class Identifiers(NamedTuple):
    """What a platform is told to know a person by: hashes of its own normal forms, "" for what it is not told."""

    email: str = ""
    phone: str = ""


NO_IDENTIFIER = "no_identifier"
"""The reason for a person that was not sent: nothing we know of it would let the platform find it."""

NOT_TRIED = "not_tried"
"""The reason for a person that was in a batch with so many bad records that it never came to it."""


@dataclass(frozen=True)
class Applied:
    """What became of one batch: lead ids refused, each with the platform's reason. `pause`: the platform
    asks to slow down; no call before that has passed. `accepted`: lead ids whose change the platform only took in,
    each with the request to ask about later."""

    refused: Mapping[str, str] = field(default_factory=dict)
    pause: timedelta | None = None
    accepted: Mapping[str, str] = field(default_factory=dict)


class AudienceSink(Protocol):
    """One ad account. A call holds at most `batch_size` additions or `removal_size` removals, and begins
    at least `spacing` after the one before."""

    batch_size: int
    removal_size: int
    spacing: timedelta

    def identifiers(self, person: Person) -> Identifiers:
        """Whoever has one of these in common is one person to the platform: to remove one removes the other."""
        ...

    async def add(self, audience: str, people: Sequence[Person]) -> Applied: ...

    async def remove(self, audience: str, people: Sequence[Person]) -> Applied: ...


@runtime_checkable
class AcceptingSink(AudienceSink, Protocol):
    """A platform that takes changes in, makes them later, and says then whether it did."""

    async def progress(self, request: str) -> Progress: ...


@dataclass(frozen=True)
class Portion:
    """One call of a session that replaces a whole list: the `number`th, from 1, of about `total` people."""

    session: int
    number: int
    last: bool
    total: int


@runtime_checkable
class ReplacingSink(AudienceSink, Protocol):
    """A platform that can put a list in the place of another. Until the last portion has come, or for
    `session_lasts` after the first, the list takes no other change; then the new list holds."""

    session_lasts: timedelta

    async def replace(
        self, audience: str, people: Sequence[Person], portion: Portion
    ) -> Applied: ...


@dataclass(frozen=True)
class Notice:
    """One thing told to sales: `id` is the same on every attempt, `type` such as lead.handover.created."""

    id: str
    type: str
    timestamp: str
    data: Mapping[str, Any]


class SalesDesk(Protocol):
    async def deliver(self, notice: Notice) -> None:
        """Returns when the receiver took it. Raises Permanent (Gone), Transient or Unknown."""
        ...


class Waker(Protocol):
    """Wakes workflows: starts the one of that id, or signals it when it runs. Idempotent.

    `flow`: where those of many flows wait, each flow gets its turn. `sender`: whose mail a run that starts will
    send first; empty: it has to be looked up.
    """

    async def wake(self, kind: str, key: str, flow: str = "", sender: str = "") -> None: ...


class Runs(Protocol):
    """What Temporal knows of our workflows, by kind and key as a Waker has them."""

    async def running(self, kind: str, keys: Sequence[str]) -> set[str]:
        """Which of these run now."""
        ...

    async def page(self, kind: str, after: str) -> tuple[list[str], str]:
        """Some that run now, and where to go on (empty: those were the last)."""
        ...
