"""The HTTP room with fakes behind it, and a client that talks to it without a network."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from nurture.access import Access
from nurture.delivery.feedback.providers import open_providers
from nurture.domain import story
from nurture.domain.consent import ConsentRecord
from nurture.domain.errors import InputError, Transient
from nurture.domain.feedback import Event
from nurture.domain.lifecycle import Stage
from nurture.figures import EVERYTHING, Question
from nurture.handovers.desk import Holder
from nurture.incoming import Answer, Incoming, Receipt
from nurture.mail.feedback import Heard
from nurture.mail.preferences import Wanted
from nurture.playbook import Company, Form, Subscription
from nurture.privacy.requests import Erased
from nurture.settings import Settings
from nurture.store.vitals import Vital
from nurture.tokens import Tokens
from nurture.web.app import create_app
from nurture.web.deps import Deps

SETTINGS = Settings(
    write_keys="website:wk",
    server_keys=SecretStr("crm:secret-key"),
    api_token=SecretStr("token"),
    crm_secret=SecretStr("whsec_" + "Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0ND"),
    public_url="https://m.example",
)

FORM = Form(
    id="whitepaper",
    fields={"mail": "email", "first": "first_name", "job": "occupation"},
    consent={"newsletter": "email_marketing"},
    wording={"newsletter": "Yes, write to me about backups. I can stop it at any time."},
    honeypot="website",
)


@dataclass
class FakeIntake:
    """Takes each message id of a source once, as the real one does."""

    taken: list[tuple[str, Incoming]] = field(default_factory=list)
    hits: list[tuple[str, str, Mapping[str, Any], str | None]] = field(default_factory=list)
    withdrawn: list[tuple[str, str]] = field(default_factory=list)
    confirmed: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    written: int = 0
    """So many transactions that refused something."""
    away: int = 0
    """So many calls find the database away."""

    async def take(self, source: str, messages: Sequence[Incoming], now: datetime) -> Receipt:
        if self.away:
            self.away -= 1
            raise Transient("database_away", "starting up")
        seen = {(name, message.message_id) for name, message in self.taken}
        fresh = [each for each in messages if (source, each.message_id) not in seen]
        self.taken += [(source, message) for message in fresh]
        return Receipt(len(fresh), len(messages) - len(fresh))

    async def hit(
        self,
        message_id: str,
        name: str,
        properties: Mapping[str, Any],
        machine: str | None,
        now: datetime,
    ) -> bool:
        if self.away:
            self.away -= 1
            raise Transient("database_away", "starting up")
        self.hits.append((message_id, name, properties, machine))
        return True

    async def withdraw(self, lead_id: str, purpose: str, source: str, now: datetime) -> None:
        self.withdrawn.append((lead_id, purpose))

    async def confirm(self, lead_id: str, message_id: str, now: datetime) -> list[str]:
        self.confirmed.append((lead_id, message_id))
        return ["email_marketing"] if len(self.confirmed) == 1 else []

    async def came(self, source: str, message_id: str, since: datetime) -> bool:
        return any(
            (name, message.message_id) == (source, message_id) and message.at > since
            for name, message in self.taken
        )

    async def refuse(self, source: str, rows: Sequence[tuple[str, str]], now: datetime) -> None:
        self.refused += [(source, *row) for row in rows]
        self.written += 1

    @property
    def messages(self) -> list[Incoming]:
        return [message for _, message in self.taken]


OPENED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Happened:
    at: datetime
    kind: str
    detail: str


@dataclass(frozen=True)
class View:
    id: str = "h1"
    lead_name: str = "Ada Lovelace"
    lead_email: str = "ada@firm.example"
    lead_phone: str = "+45 20 12 34 56"
    persona: str = "IT manager"
    score: int = 74
    reason: str = "reached the stage MQL with 74 points"
    reasons: tuple[str, ...] = ("Looked at prices (+30)",)
    history: tuple[Happened, ...] = (Happened(OPENED, "opened", "score"),)
    state: str = "open"
    owner: str = "Bo"
    due_at: datetime = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    answers: tuple[str, ...] = ("accepted", "contacted", "rejected", "won", "lost")
    reject_reasons: tuple[str, ...] = ("no-budget", "wrong-person")
    currency: str = "DKK"
    snooze_reasons: tuple[str, ...] = ("asked to wait",)
    until: datetime | None = None
    timeline: tuple[story.Line, ...] = (story.Line(OPENED, "Looked at “Prices”"),)


@dataclass
class FakeDesk:
    """One handover; once it is closed it takes no other answer."""

    shown: View = View()
    answers: list[Answer] = field(default_factory=list)

    async def view(self, handover_id: str) -> View | None:
        return self.shown if handover_id == self.shown.id else None

    async def holder(self, handover_id: str) -> Holder | None:
        zone = self.shown.due_at.tzinfo
        assert zone is not None
        return Holder(self.shown.owner, zone) if handover_id == self.shown.id else None

    async def answer(self, handover_id: str, answer: Answer) -> str:
        if answer.state == self.shown.state:
            return f"This was already noted as {answer.state}; nothing changed."
        if answer.state not in self.shown.answers:
            raise InputError(f"this handover is {self.shown.state}")
        self.answers.append(answer)
        left = ("contacted",) if answer.state == "accepted" else ()
        self.shown = replace(self.shown, state=str(answer.state), answers=left)
        return f"Noted: {answer.state}."

    async def open(self, name: str, reason: str, by: str, now: datetime) -> str:
        if name != self.shown.lead_email:
            raise InputError("nobody goes by that name", "lead")
        return self.shown.id

    async def current_of(self, name: str) -> str | None:
        return self.shown.id if name == self.shown.lead_email else None


def _behind(ids: list[str], after: str) -> list[str]:
    if after and after not in ids:
        raise InputError(f"there is no {after}")
    return ids[ids.index(after) + 1 :] if after else ids


@dataclass
class FakeNotices:
    """One notice that did not get through."""

    lost: list[str] = field(default_factory=lambda: ["msg_1"])
    sent: list[str] = field(default_factory=list)

    async def dead(self, after: str, limit: int) -> list[dict[str, Any]]:
        rest = _behind(self.lost, after)[:limit]
        return [{"id": id, "error": "http_410"} for id in rest]

    async def show(self, handover_id: str) -> dict[str, Any] | None:
        return {"id": handover_id} if handover_id == "h1" else None

    async def resend(self, ids: Sequence[str], now: datetime) -> int:
        if not set(ids) <= set(self.lost):
            raise InputError(f"there is no notice {ids[0]}")
        self.sent += ids
        return len(ids)

    async def reopen(self) -> bool:
        return True


@dataclass
class FakeReports:
    figures: dict[str, Any] = field(default_factory=dict)
    in_hand: int = 1

    async def summary(self, now: datetime, asked: Question = EVERYTHING) -> dict[str, Any]:
        asked_for = [asked.month, asked.by, *asked.only.values()]
        return self.figures if asked == EVERYTHING else {**self.figures, "asked": asked_for}

    async def report(
        self, now: datetime, asked: Question = EVERYTHING, brief: bool = False
    ) -> dict[str, Any]:
        return self.figures

    async def choices(self) -> dict[str, dict[str, str]]:
        return {}

    async def lead(
        self, name: str, now: datetime, owner: str | None = None
    ) -> dict[str, Any] | None:
        return {"id": "l1"} if name in ("l1", "ada@firm.example") else None

    async def audiences(self, now: datetime) -> list[dict[str, Any]]:
        return [{"name": "it-managers", "owed_removals": 1, "errors": []}]

    async def handovers(
        self, open_only: bool, owner: str | None, after: str, limit: int
    ) -> list[dict[str, Any]]:
        ids = _behind([f"h{number}" for number in range(1, self.in_hand + 1)], after)[:limit]
        return [{"id": id, "open_only": open_only} for id in ids]


class NobodySignedIn:
    """No session, no token but the settings'; the log keeps nothing."""

    async def actor(self, secret: str, now: datetime) -> None:
        return None

    async def note(self, *told: Any, **more: Any) -> int:
        return 1

    async def conclude(self, *told: Any) -> None:
        pass


@dataclass
class FakePrivacy:
    """Knows one person."""

    erased: list[tuple[str, str]] = field(default_factory=list)

    async def erase(self, name: str, by: str, now: datetime) -> Erased:
        if name != "l1":
            raise InputError("no lead goes by this name", name)
        self.erased.append((name, by))
        return Erased("l1", 1, ("it-managers",), 1, 0)


@dataclass
class FakeFeedback:
    """Takes each event of a provider once."""

    taken: list[tuple[str, Event]] = field(default_factory=list)

    async def take(self, provider: str, events: Sequence[Event], now: datetime) -> Heard:
        seen = {(name, event.id) for name, event in self.taken}
        new = [event for event in events if (provider, event.id) not in seen]
        self.taken += [(provider, event) for event in new]
        return Heard(len(new), len(events) - len(new))


@dataclass
class FakePreferences:
    """Of one lead, who left or did not."""

    wanted: Wanted | None = field(
        default_factory=lambda: Wanted(True, False, frozenset({"courses"}), None, "")
    )
    said: list[tuple[str, Any]] = field(default_factory=list)
    waits: list[ConsentRecord] = field(
        default_factory=lambda: [
            ConsentRecord(purpose, True, OPENED, "form/whitepaper", FORM.wording["newsletter"])
            for purpose in ("ad_audiences", "email_marketing")
        ]
    )
    """For a confirmation."""

    async def look(self, lead_id: str, now: datetime) -> Wanted | None:
        return self.wanted

    async def asked(self, lead_id: str, message_id: str, now: datetime) -> list[ConsentRecord]:
        return self.waits

    async def come_back(self, lead_id: str, wording: str, now: datetime) -> None:
        self.said.append(("back", wording))

    async def choose(self, lead_id: str, wanted: Collection[str], now: datetime) -> None:
        self.said.append(("kinds", sorted(wanted)))

    async def pause(self, lead_id: str, days: int, now: datetime) -> None:
        self.said.append(("pause", days))


@dataclass
class FakeMails:
    """One mail of which nobody knows."""

    settled: list[tuple[str, bool, str]] = field(default_factory=list)

    async def list(
        self, state: str = "", flow: str = "", lead: str = "", limit: int = 50
    ) -> list[dict[str, Any]]:
        if state not in ("", "unknown"):
            raise InputError("there is no such state", state)
        return [{"id": "mail", "state": "unknown"}]

    async def counts(self) -> dict[str, int]:
        return {"unknown": 1}

    async def settle(self, ids: Sequence[str], sent: bool, by: str, now: datetime) -> int:
        if list(ids) != ["mail"]:
            raise InputError("the mail is not known", ids[0])
        self.settled.append((ids[0], sent, by))
        return 1


@dataclass
class FakeWatch:
    """One sender."""

    paused: str = ""

    async def state(self, now: datetime) -> list[dict[str, Any]]:
        return [{"sender": "courses", "alarm": "pause" if self.paused else "none"}]

    async def pause(self, sender: str, reason: str, by: str, now: datetime) -> None:
        if sender != "courses":
            raise InputError("there is no such sender", sender)
        self.paused = reason

    async def resume(self, sender: str, by: str, now: datetime) -> int:
        if not self.paused:
            raise InputError("is not paused", sender)
        self.paused = ""
        return 3


def _no_internet(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("a test calls nobody", request=request)


NOBODY = httpx.AsyncClient(transport=httpx.MockTransport(_no_internet))


@dataclass
class FakeStages:
    """One lead, which may go anywhere but to `closed`."""

    moved: list[tuple[str, str, str, str]] = field(default_factory=list)

    async def move(self, name: str, stage: str, by: str, reason: str, now: datetime) -> str:
        if name != "l1" or stage == "closed":
            raise InputError("closed is reached by import, not by sales", "by")
        self.moved.append((name, stage, by, reason))
        return "lead"


@dataclass
class World:
    """Everything a test may look at or turn."""

    settings: Settings = SETTINGS
    intake: FakeIntake = field(default_factory=FakeIntake)
    desk: FakeDesk = field(default_factory=FakeDesk)
    notices: FakeNotices = field(default_factory=FakeNotices)
    privacy: FakePrivacy = field(default_factory=FakePrivacy)
    feedback: FakeFeedback = field(default_factory=FakeFeedback)
    preferences: FakePreferences = field(default_factory=FakePreferences)
    mails: FakeMails = field(default_factory=FakeMails)
    watch: FakeWatch = field(default_factory=FakeWatch)
    http: httpx.AsyncClient = NOBODY
    stages: FakeStages = field(default_factory=FakeStages)
    reports: FakeReports = field(default_factory=FakeReports)
    tokens: Tokens = field(default_factory=lambda: Tokens(["a key that is long enough to sign"]))
    at: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(hours=1))
    form: Form = FORM
    day: timedelta = timedelta(days=1)
    problems: list[str] = field(default_factory=list)

    def app(self) -> FastAPI:
        return create_app(
            Deps(
                access=Access(*[cast(Any, NobodySignedIn())] * 4),
                dashboard=cast(Any, None),  # its pages are tried on the real house
                switch_audience=cast(Any, None),
                enrolling=cast(Any, None),
                company=None,
                quarantine=cast(Any, None),
                intake=self.intake,
                desk=self.desk,
                notices=self.notices,
                privacy=self.privacy,
                feedback=self.feedback,
                preferences=self.preferences,
                mails=self.mails,
                watch=self.watch,
                providers=open_providers(self.settings, self.http),
                stages=self.stages,
                reports=self.reports,
                playbook=self.playbook,
                tokens=self.tokens,
                settings=self.settings,
                now=lambda: self.at,
                ready=self.ready,
                vitals=self.vitals,
            )
        )

    async def playbook(self) -> Any:
        """The parts of a playbook that the HTTP room looks at."""
        return SimpleNamespace(
            hash="f" * 64,
            company=Company("Nordbackup", "Havnegade 1, 1058 København", "mail@nordbackup.example"),
            forms={self.form.id: self.form},
            traits={"first_name": "text", "occupation": "text", "topics": "list"},
            subscriptions={
                name: Subscription(name, {"en": en, "da": da}, {"en": "Once a week."})
                for name, en, da in (
                    ("courses", "Courses and guides", "Kurser og guider"),
                    ("stories", "Stories of graduates", "Dimittender fortæller"),
                )
            },
            lifecycle=SimpleNamespace(stages=(Stage("lead", "Lead"), Stage("mql", "MQL"))),
            promise=SimpleNamespace(currency="DKK"),
            day=self.day,
        )

    async def vitals(self) -> list[Vital]:
        return [Vital("nurture_due", "Due by now", 3, {"kind": "enrolments"})]

    async def ready(self, beside_temporal: bool) -> list[str]:
        return [] if beside_temporal else self.problems


def connect(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="https://m.example")
