"""All tables. Rows are data; what may happen to them is decided in nurture.domain.

Surrogate ids everywhere. A person's address stands in `lead.email`, `identity.value`, in what was told to
sales (`notice.data`) and in what an ad platform was given (`audience_member.sent_as`), nowhere else, so
erasure knows where to go.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from nurture.store.columns import Json, Moment

OPEN_STATES = "state IN ('open', 'accepted', 'snoozed', 'booked', 'contacted')"


def _refers(column: str) -> ForeignKey:
    """Checked at the commit, so that a batch may be written in any order."""
    return ForeignKey(column, deferrable=True, initially="DEFERRED")


def _json(default: Any) -> Any:
    return Field(default_factory=default, sa_column=Column(Json, nullable=False))


def _moment(**kwargs: Any) -> Any:
    """A time column that must be set."""
    return Field(sa_column=Column(Moment, nullable=False, **kwargs))


def _maybe(**kwargs: Any) -> Any:
    """A time column that may be empty."""
    return Field(default=None, sa_column=Column(Moment, nullable=True, **kwargs))


def _lead() -> Any:
    return Field(sa_column=Column(String, _refers("lead.id"), nullable=False, index=True))


class LeadRow(SQLModel, table=True):
    """`consents`, `cases` and `sales_owned` repeat what the ledgers say, for the gate's one read.

    `traits_at` holds when each trait was said, so that late messages do not overwrite newer ones.
    `cooled_until`: sales gave the lead back; no rule lifts its stage before then. `talks_until`: sales is in
    conversation with it, and marketing keeps quiet.
    `lapsed`: flows whose entry condition was seen not to hold since the lead last entered them.
    """

    __tablename__ = "lead"
    id: str = Field(primary_key=True)
    email: str | None = Field(default=None, unique=True)
    traits: dict[str, Any] = _json(dict)
    traits_at: dict[str, str] = _json(dict)
    tags: list[str] = _json(list)
    stage: str = Field(index=True)
    persona: str | None = Field(default=None, index=True)
    source: str | None = None
    fit: int = 0
    engagement: int = 0
    scored_by: str | None = None
    next_score_at: datetime | None = _maybe(index=True)
    consents: list[str] = _json(list)
    suppressed: str | None = None
    cases: list[str] = _json(list)
    sales_owned: bool = False
    cooled_until: datetime | None = _maybe()
    talks_until: datetime | None = _maybe()
    lapsed: list[str] = _json(list)
    created_at: datetime = _moment(index=True)
    first_touch_at: datetime | None = _maybe()
    erased_at: datetime | None = _maybe()
    merged_into: str | None = None


class IdentityRow(SQLModel, table=True):
    """Another name of a lead: kind is email, user or anonymous."""

    __tablename__ = "identity"
    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    lead_id: str = _lead()


class TouchRow(SQLModel, table=True):
    __tablename__ = "touch"
    __table_args__ = (
        Index("ix_touch_lead_at", "lead_id", "at"),
        Index("ix_touch_name_at", "name", "at", "lead_id"),
    )
    id: str = Field(primary_key=True)
    lead_id: str = Field(sa_column=Column(String, _refers("lead.id"), nullable=False))
    source: str
    name: str
    at: datetime = _moment()
    received_at: datetime = _moment()
    properties: dict[str, Any] = _json(dict)
    machine: str | None = None


class ScoreEntryRow(SQLModel, table=True):
    __tablename__ = "score_entry"
    touch_id: str = Field(primary_key=True)
    rule: str = Field(primary_key=True)
    lead_id: str = _lead()
    points: int
    at: datetime = _moment()
    expires_at: datetime | None = _maybe()


class StageChangeRow(SQLModel, table=True):
    """The lifecycle's history; every rate in the reports is counted from it."""

    __tablename__ = "stage_change"
    __table_args__ = (
        Index("ix_stage_change_at", "at", "lead_id"),
        Index("ix_stage_change_lead_at", "lead_id", "at", "to_stage"),
    )
    id: int | None = Field(default=None, primary_key=True)
    lead_id: str = Field(sa_column=Column(String, _refers("lead.id"), nullable=False))
    from_stage: str | None = None
    to_stage: str
    at: datetime = _moment()
    by: str
    reason: str = ""


class ConsentRow(SQLModel, table=True):
    """Proof: what the lead said, `at` first and `again_at` last without another word in between."""

    __tablename__ = "consent"
    id: int | None = Field(default=None, primary_key=True)
    lead_id: str = _lead()
    purpose: str
    granted: bool
    at: datetime = _moment()
    again_at: datetime | None = _maybe()
    source: str
    wording: str = ""


class ErasureRow(SQLModel, table=True):
    """Proof that somebody was erased, without the person: a keyed hash of each name it went by."""

    __tablename__ = "erasure"
    fingerprint: str = Field(primary_key=True)
    at: datetime = _moment()
    by: str


class PlaybookRow(SQLModel, table=True):
    """An immutable version: the texts of all its files under the hash of them."""

    __tablename__ = "playbook"
    hash: str = Field(primary_key=True)
    files: dict[str, str] = _json(dict)


class PlaybookInForceRow(SQLModel, table=True):
    """Who put which version in force when, and what that changed; the last row is in force."""

    __tablename__ = "playbook_in_force"
    id: int | None = Field(default=None, primary_key=True)
    hash: str = Field(sa_column=Column(String, _refers("playbook.hash"), nullable=False))
    at: datetime = _moment()
    by: str
    pace: str = ""
    changes: list[str] = _json(list)


class EnrolmentRow(SQLModel, table=True):
    """`step`/`since` is the cursor in the version `playbook`; `listens` the topics that wake it; `held` says
    why the mail it stands at waits; `ended` why it is over.
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("lead_id", "flow", "ordinal"),
        Index(
            "ix_enrolment_active",
            "lead_id",
            sqlite_where=text("ended IS NULL"),
            postgresql_where=text("ended IS NULL"),
        ),
        Index(
            "ix_enrolment_due",
            "wake_at",
            sqlite_where=text("ended IS NULL"),
            postgresql_where=text("ended IS NULL"),
        ),
        Index("ix_enrolment_flow_step", "flow", "step"),
        Index("ix_enrolment_flow_started", "flow", "started_at"),
    )
    id: str = Field(primary_key=True)
    lead_id: str = Field(sa_column=Column(String, _refers("lead.id"), nullable=False))
    flow: str
    ordinal: int
    playbook: str
    step: str | None = None
    since: datetime = _moment()
    wake_at: datetime | None = _maybe()
    listens: list[str] = _json(list)
    held: str = ""
    started_at: datetime = _moment()
    ended_at: datetime | None = _maybe()
    ended: str | None = None
    reason: str = ""


class MessageRow(SQLModel, table=True):
    """The send ledger: one row per mail step of an enrolment, held unique by the database itself.

    States: claimed, accepted, delivered, bounced, complained, failed, refused (`reason` says by what),
    unknown (it may have gone out; never repeated silently).
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "step"),
        Index("ix_message_lead_sent", "lead_id", "sent_at"),
        Index("ix_message_state", "state"),
    )
    id: str = Field(primary_key=True)
    enrolment_id: str = Field(sa_column=Column(String, _refers("enrolment.id"), nullable=False))
    step: str
    lead_id: str = Field(sa_column=Column(String, _refers("lead.id"), nullable=False))
    flow: str
    template: str
    sender: str
    state: str
    reason: str = ""
    attempts: int = 0
    claimed_at: datetime = _moment()
    sent_at: datetime | None = _maybe()
    provider_id: str | None = None


class HandoverRow(SQLModel, table=True):
    """A lead in the hands of sales. `done` lists the deadlines already acted on.

    `kind` is handover, or task for a single thing asked by a `step` of the flow `trigger`, which leaves the
    lead where it is. `terms` are those it was given, `pauses` when its clock stood still; `until` is the
    date of a snooze or of a booked meeting.
    """

    __tablename__ = "handover"
    __table_args__ = (
        UniqueConstraint("lead_id", "ordinal"),
        Index(
            "ux_handover_open",
            "lead_id",
            unique=True,
            sqlite_where=text(f"kind = 'handover' AND {OPEN_STATES}"),
            postgresql_where=text(f"kind = 'handover' AND {OPEN_STATES}"),
        ),
        Index("ix_handover_state_due", "state", "due_at"),
        Index("ix_handover_opened", "opened_at"),
    )
    id: str = Field(primary_key=True)
    lead_id: str = Field(sa_column=Column(String, _refers("lead.id"), nullable=False))
    ordinal: int
    kind: str = "handover"
    playbook: str
    team: str
    owner: str
    state: str
    reason: str
    trigger: str
    opened_at: datetime = _moment()
    due_at: datetime = _moment()
    accepted_at: datetime | None = _maybe()
    contacted_at: datetime | None = _maybe()
    closed_at: datetime | None = _maybe()
    outcome: str | None = None
    how: str | None = None
    amount: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    currency: str | None = None
    done: list[str] = _json(list)
    step: str | None = None
    until: datetime | None = _maybe()
    terms: dict[str, Any] = _json(dict)
    pauses: list[dict[str, Any]] = _json(list)


class HandoverRuleRow(SQLModel, table=True):
    """A scoring rule that had given the lead points when it was handed over: what qualified it."""

    __tablename__ = "handover_rule"
    handover_id: str = Field(sa_column=Column(String, _refers("handover.id"), primary_key=True))
    rule: str = Field(primary_key=True)
    points: int


class HandoverEventRow(SQLModel, table=True):
    """What happened to a handover, in order: opened, accepted, reminded, escalated, ..."""

    __tablename__ = "handover_event"
    id: int | None = Field(default=None, primary_key=True)
    handover_id: str = Field(
        sa_column=Column(String, _refers("handover.id"), nullable=False, index=True)
    )
    kind: str
    at: datetime = _moment()
    by: str
    detail: str = ""


class NoticeRow(SQLModel, table=True):
    """One thing to tell sales. Delivered in order per handover, the same body on every attempt."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_handover", "handover_id", "number"),
        Index("ix_notice_dead", "dead_at"),
    )
    id: str = Field(primary_key=True)
    handover_id: str = Field(sa_column=Column(String, _refers("handover.id"), nullable=False))
    number: int
    type: str
    data: dict[str, Any] = _json(dict)
    created_at: datetime = _moment()
    attempts: int = 0
    next_attempt_at: datetime | None = _maybe()
    delivered_at: datetime | None = _maybe()
    dead_at: datetime | None = _maybe()
    error: str = ""


class ReceiverRow(SQLModel, table=True):
    """A receiver that answered 410 Gone and is not called until somebody opens it again."""

    __tablename__ = "receiver"
    name: str = Field(primary_key=True)
    closed_at: datetime = _moment()
    error: str


class AudienceMemberRow(SQLModel, table=True):
    """`desired` is what should be, `confirmed` that the platform took it, `named` that it may hold it: from
    before the first attempt until a removal is confirmed. Owed: desired <> confirmed, or named and not desired.

    `sent_as` is the person as it was sent, so that exactly that is removed whatever changed since; the hashes
    find others whom the same removal would take off.
    """

    __tablename__ = "audience_member"
    __table_args__ = (
        Index(
            "ix_audience_owed",
            "audience",
            "next_try_at",
            sqlite_where=text("desired <> confirmed"),
            postgresql_where=text("desired <> confirmed"),
        ),
        Index(
            "ix_audience_removals",
            "audience",
            "next_try_at",
            sqlite_where=text("desired <> named"),
            postgresql_where=text("desired <> named"),
        ),
        Index("ix_audience_leaves", "audience", "leaves_at"),
        Index("ix_audience_email", "audience", "email_hash"),
        Index("ix_audience_phone", "audience", "phone_hash"),
    )
    audience: str = Field(primary_key=True)
    lead_id: str = Field(sa_column=Column(String, _refers("lead.id"), primary_key=True))
    by_step: bool | None = None
    desired: bool = False
    confirmed: bool = False
    named: bool = False
    confirmed_at: datetime | None = _maybe()
    since: datetime | None = _maybe()
    leaves_at: datetime | None = _maybe()
    changed_at: datetime = _moment()
    next_try_at: datetime = _moment()
    attempts: int = 0
    error: str = ""
    sent_as: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
    email_hash: str | None = None
    phone_hash: str | None = None


class CallRow(SQLModel, table=True):
    """A webhook step's call: delivered at least once, under its `id`, with the same body on every attempt."""

    __tablename__ = "call"
    __table_args__ = (
        Index(
            "ix_call_due",
            "next_attempt_at",
            sqlite_where=text("next_attempt_at IS NOT NULL"),
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
    )
    id: str = Field(primary_key=True)
    enrolment_id: str = Field(sa_column=Column(String, _refers("enrolment.id"), nullable=False))
    endpoint: str
    data: dict[str, Any] = _json(dict)
    created_at: datetime = _moment()
    attempts: int = 0
    next_attempt_at: datetime | None = _maybe()
    delivered_at: datetime | None = _maybe()
    dead_at: datetime | None = _maybe()
    error: str = ""


class WakeupRow(SQLModel, table=True):
    """The outbox: a workflow to be woken once this transaction is committed, or from `claimed_until` on."""

    __tablename__ = "wakeup"
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    key: str
    created_at: datetime = _moment()
    claimed_until: datetime = _moment(index=True)


class QuarantineRow(SQLModel, table=True):
    """What could not be used, kept with the reason."""

    __tablename__ = "quarantine"
    id: int | None = Field(default=None, primary_key=True)
    source: str
    reason: str
    raw: str
    at: datetime = _moment()


class ReportSentRow(SQLModel, table=True):
    """A report to one receiver, whose address is not kept here.

    States: waiting, claimed, sent, failed, unknown (a mail that may have gone out; never repeated).
    """

    __tablename__ = "report_sent"
    id: str = Field(primary_key=True)
    plan: str
    state: str
    attempts: int = 0
    changed_at: datetime = _moment()
    next_try_at: datetime | None = _maybe()
    error: str = ""


class SaleRow(SQLModel, table=True):
    """An order: revenue in whole units of the currency."""

    __tablename__ = "sale"
    id: str = Field(primary_key=True)
    lead_id: str = _lead()
    handover_id: str | None = None
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    currency: str
    at: datetime = _moment(index=True)
