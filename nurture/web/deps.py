"""What the HTTP room asks of the rest of the house, no wider than it needs."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from nurture.access import Access
from nurture.access.company import CompanySignIn
from nurture.dashboard import Dashboard
from nurture.delivery.feedback.reading import Provider
from nurture.desk import Holder
from nurture.domain.feedback import Event
from nurture.feedback import Heard
from nurture.figures import EVERYTHING, Question
from nurture.incoming import Answer, Incoming, Receipt
from nurture.playbook import Playbook
from nurture.preferences import Wanted
from nurture.privacy import Erased
from nurture.settings import Settings
from nurture.store.vitals import Vital
from nurture.tokens import Tokens


class Intake(Protocol):
    """The one way in for everything a lead does or says."""

    async def take(self, source: str, messages: Sequence[Incoming], now: datetime) -> Receipt: ...

    async def hit(
        self,
        message_id: str,
        name: str,
        properties: Mapping[str, Any],
        machine: str | None,
        now: datetime,
    ) -> bool:
        """An open or click; False when that mail is not known."""
        ...

    async def withdraw(self, lead_id: str, purpose: str, source: str, now: datetime) -> None: ...

    async def confirm(self, lead_id: str, message_id: str, now: datetime) -> list[str]:
        """The purposes granted by confirming what a form said; empty when nothing waits for that."""
        ...

    async def refuse(self, source: str, raw: str, reason: str, now: datetime) -> None:
        """Keep in quarantine. `raw` is a JSON object, or a list of them."""
        ...


class Did(Protocol):
    """Something the lead did, in an English sentence."""

    @property
    def at(self) -> datetime: ...
    @property
    def text(self) -> str: ...


class Happened(Protocol):
    """Something that happened to a handover."""

    @property
    def at(self) -> datetime: ...
    @property
    def kind(self) -> str: ...
    @property
    def detail(self) -> str: ...


class HandoverView(Protocol):
    """What sales sees of one handover. `due_at` carries the zone it is to be shown in, `answers` are the
    states that may be answered now, `reasons` say where the score comes from, most points first,
    `timeline` what the lead did, and `history` what became of the handover so far.
    What is not known of the lead is empty."""

    @property
    def id(self) -> str: ...
    @property
    def lead_name(self) -> str: ...
    @property
    def lead_email(self) -> str: ...
    @property
    def lead_phone(self) -> str: ...
    @property
    def persona(self) -> str: ...
    @property
    def score(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def reasons(self) -> tuple[str, ...]: ...
    @property
    def history(self) -> Sequence[Happened]: ...
    @property
    def timeline(self) -> Sequence[Did]: ...
    @property
    def state(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def answers(self) -> tuple[str, ...]: ...
    @property
    def reject_reasons(self) -> tuple[str, ...]: ...
    @property
    def currency(self) -> str: ...
    @property
    def snooze_reasons(self) -> tuple[str, ...]: ...
    @property
    def until(self) -> datetime | None: ...


class Desk(Protocol):
    """Where sales answers handovers."""

    async def view(self, handover_id: str) -> HandoverView | None: ...

    async def holder(self, handover_id: str) -> Holder | None: ...

    async def answer(self, handover_id: str, answer: Answer) -> str:
        """A sentence for the person who answered. Raises InputError if it contradicts what was said."""
        ...

    async def open(self, name: str, reason: str, by: str, now: datetime) -> str:
        """Give a lead to sales by hand: the handover's id. Raises InputError for an unknown lead."""
        ...

    async def current_of(self, name: str) -> str | None:
        """The handover of that lead that sales has in hand, or that was won last."""
        ...


class Notices(Protocol):
    """What sales was told, and what did not get through."""

    async def dead(self) -> list[dict[str, Any]]: ...

    async def show(self, handover_id: str) -> dict[str, Any] | None: ...

    async def resend(self, ids: Sequence[str], now: datetime) -> int:
        """How many. Raises InputError for an unknown id, and while the receiver is closed."""
        ...

    async def reopen(self) -> bool: ...


class Stages(Protocol):
    """Where people and other systems say how far a lead is."""

    async def move(self, name: str, stage: str, by: str, reason: str, now: datetime) -> str:
        """The stage before. Raises InputError for an unknown lead, and for what the playbook forbids."""
        ...


class Reports(Protocol):
    """Figures and records as JSON-able values. The dashboard leaves out what is missing."""

    async def summary(self, now: datetime, asked: Question = EVERYTHING) -> dict[str, Any]:
        """Raises InputError for a month or dimension that does not exist."""
        ...

    async def lead(
        self, name: str, now: datetime, owner: str | None = None
    ) -> dict[str, Any] | None:
        """By id or e-mail, with the explanation of its score. With `owner` only one of that owner's."""
        ...

    async def report(
        self, now: datetime, asked: Question = EVERYTHING, brief: bool = False
    ) -> dict[str, Any]:
        """The agreement of a period, without what is counted since the beginning. `brief`: for a table of months."""
        ...

    async def choices(self) -> Mapping[str, Mapping[str, str]]:
        """What figures can be asked for, by dimension: each value with its title."""
        ...

    async def audiences(self, now: datetime) -> list[dict[str, Any]]: ...

    async def handovers(
        self, open_only: bool = False, owner: str | None = None
    ) -> list[dict[str, Any]]: ...


class Mails(Protocol):
    """The send ledger."""

    async def list(
        self, state: str = "", flow: str = "", lead: str = "", limit: int = 50
    ) -> list[dict[str, Any]]:
        """Raises InputError for a state that there is not and a lead nobody knows."""
        ...

    async def counts(self) -> dict[str, int]: ...

    async def settle(self, ids: Sequence[str], sent: bool, by: str, now: datetime) -> int:
        """Raises InputError for a mail whose fate is known."""
        ...


class Watch(Protocol):
    """Which senders stand still, and why."""

    async def state(self, now: datetime) -> list[dict[str, Any]]: ...

    async def pause(self, sender: str, reason: str, by: str, now: datetime) -> None:
        """Raises InputError for a sender that there is not."""
        ...

    async def resume(self, sender: str, by: str, now: datetime) -> int:
        """Raises InputError for one that does not stand still."""
        ...


class Preferences(Protocol):
    """What a lead itself says about our mails."""

    async def look(self, lead_id: str, now: datetime) -> Wanted | None: ...

    async def come_back(self, lead_id: str, wording: str, now: datetime) -> None: ...

    async def choose(self, lead_id: str, wanted: Collection[str], now: datetime) -> None: ...

    async def pause(self, lead_id: str, days: int, now: datetime) -> None: ...


class Feedback(Protocol):
    """What mail systems tell of our mails."""

    async def take(self, provider: str, events: Sequence[Event], now: datetime) -> Heard: ...


class Privacy(Protocol):
    async def erase(self, name: str, by: str, now: datetime) -> Erased:
        """Forget the person. Raises InputError when nobody goes by the name."""
        ...


class Enrolling(Protocol):
    """Into flows and out of them, by hand."""

    async def by_hand(self, name: str, flow: str, by: str, now: datetime) -> str:
        """The new enrolment's id. Raises InputError with the reason why the lead cannot enter."""
        ...

    async def take_out(self, lead_id: str, run_id: str, now: datetime) -> None: ...


@dataclass(frozen=True)
class Deps:
    """Everything the app works with. `ready` lists what keeps it from serving, or with True from what it can do
    while Temporal is away; empty means ready. `vitals` are for Prometheus,
    `company` is None where nobody signs in by an identity provider."""

    access: Access
    dashboard: Dashboard
    company: CompanySignIn | None
    intake: Intake
    desk: Desk
    notices: Notices
    privacy: Privacy
    feedback: Feedback
    preferences: Preferences
    mails: Mails
    watch: Watch
    providers: Mapping[str, Provider | None]
    enrolling: Enrolling
    stages: Stages
    reports: Reports
    switch_audience: Callable[[str, bool, datetime], Awaitable[None]]
    quarantine: Callable[[], Awaitable[list[dict[str, Any]]]]
    playbook: Callable[[], Awaitable[Playbook]]
    tokens: Tokens
    settings: Settings
    now: Callable[[], datetime]
    ready: Callable[[bool], Awaitable[list[str]]]
    vitals: Callable[[], Awaitable[list[Vital]]]


async def _deps(request: Request) -> Deps:  # async, since FastAPI hands others to a thread
    deps: Deps = request.app.state.deps
    return deps


Current = Annotated[Deps, Depends(_deps)]
"""Annotates a route's parameter to receive the app's `Deps`."""
