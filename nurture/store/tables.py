"""All tables. Rows are data; what may happen to them is decided in nurture.domain.

Surrogate ids everywhere. A person's address stands in `lead.email`, `lead_word`, `identity.value`, in what was told to
sales (`notice.data`) and in what an ad platform was given (`audience_member.sent_as`), nowhere else, so
erasure knows where to go.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, String, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from nurture.store.columns import Json, Letters, json, lead, maybe, moment, refers


class LeadRow(SQLModel, table=True):
    """`consents`, `cases` and `sales_owned` repeat what the ledgers say, for the gate's one read.

    `traits_at` holds when each trait, and the address, was said, so that late messages do not overwrite newer ones.
    `cases_told` holds the news of support cases (see `nurture.domain.cases`), for the same reason.
    `cooled_until`: sales gave the lead back; no rule lifts its stage before then, and before that was noticed (None).
    `talks_until`: sales is in conversation with it, and marketing keeps quiet.
    `lapsed`: flows whose entry condition was seen not to hold since the lead last entered them.
    `declined` repeats what the consent ledger says no to, `soft_bounces` what the send ledger says;
    `bounces_since`: mails from before tell nothing of its address, which is another, or which a person vouched for.
    `paused_until`: the lead asked for a break.
    """

    __tablename__ = "lead"
    __table_args__ = (
        Index("ix_lead_known", "merged_into", "erased_at", "stage", "persona", "email"),
        Index("ix_lead_list", "created_at", "id"),
        Index(
            "ix_lead_joined",
            "merged_into",
            sqlite_where=text("merged_into IS NOT NULL"),
            postgresql_where=text("merged_into IS NOT NULL"),
        ),
        Index("ix_lead_stage", "stage", "created_at", "id"),
        Index("ix_lead_persona", "persona", "created_at", "id"),
        Index("ix_lead_source", "source"),
        Index("ix_lead_belongs", "id", "persona", "source"),
    )
    id: str = Field(primary_key=True)
    email: str | None = Field(default=None, unique=True)
    traits: dict[str, Any] = json(dict)
    traits_at: dict[str, str] = json(dict)
    tags: list[str] = json(list)
    stage: str
    persona: str | None = None
    source: str | None = None
    fit: int = 0
    engagement: int = 0
    grade: str = Field(default="", sa_column_kwargs={"server_default": ""})
    scored_by: str | None = None
    next_score_at: datetime | None = maybe(index=True)
    tally: Mapping[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
    consents: list[str] = json(list)
    declined: list[str] = json(list)
    suppressed: str | None = None
    soft_bounces: int = 0
    bounces_since: datetime | None = maybe()
    paused_until: datetime | None = maybe()
    cases: list[str] = json(list)
    cases_told: dict[str, Any] = json(dict)
    sales_owned: bool = False
    cooled_until: datetime | None = maybe()
    talks_until: datetime | None = maybe()
    lapsed: list[str] = json(list)
    created_at: datetime = moment(index=True)
    first_touch_at: datetime | None = maybe()
    erased_at: datetime | None = maybe()
    merged_into: str | None = None


class IdentityRow(SQLModel, table=True):
    """Another name of a lead: kind is email, user or anonymous.

    `by_browser`: nobody but a browser that both were told of in says that it is this known person's.
    """

    __tablename__ = "identity"
    __table_args__ = ({"sqlite_with_rowid": False},)
    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    lead_id: str = lead()
    by_browser: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class LeadWordRow(SQLModel, table=True):
    """What a lead is looked for by; see `nurture.store.words`. Compared letter by letter, whatever the language."""

    __tablename__ = "lead_word"
    word: str = Field(sa_column=Column(Letters, primary_key=True))
    lead_id: str = Field(sa_column=Column(String, refers("lead.id"), primary_key=True, index=True))


class TouchRow(SQLModel, table=True):
    __tablename__ = "touch"
    __table_args__ = (
        Index("ix_touch_lead_at", "lead_id", "at"),
        Index("ix_touch_name_at", "name", "at", "lead_id"),
        Index("ix_touch_received", "received_at"),
    )
    id: str = Field(primary_key=True)
    lead_id: str = Field(sa_column=Column(String, refers("lead.id"), nullable=False))
    source: str
    name: str
    at: datetime = moment()
    received_at: datetime = moment()
    properties: dict[str, Any] = json(dict)
    machine: str | None = None


class StageChangeRow(SQLModel, table=True):
    """The lifecycle's history; every rate in the reports is counted from it. `way`: the stages the lead had been in
    before, and the one it came to, as `lead,visitor>mql`; see `nurture.store.ways`."""

    __tablename__ = "stage_change"
    __table_args__ = (
        Index("ix_stage_change_way", "way", "at", "lead_id"),
        Index("ix_stage_change_lead_at", "lead_id", "at", "to_stage"),
        Index("ix_stage_change_from", "from_stage", "to_stage", "lead_id", "at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    lead_id: str = Field(sa_column=Column(String, refers("lead.id"), nullable=False))
    from_stage: str | None = None
    to_stage: str
    at: datetime = moment()
    by: str
    reason: str = ""
    way: str = Field(default="", sa_column=Column(String, nullable=False, server_default=""))


class ConsentRow(SQLModel, table=True):
    """Proof: what the lead said, `at` first and `again_at` last without another word in between."""

    __tablename__ = "consent"
    id: int | None = Field(default=None, primary_key=True)
    lead_id: str = lead()
    purpose: str
    granted: bool
    at: datetime = moment()
    again_at: datetime | None = maybe()
    source: str
    wording: str = ""
    proof: str = Field(default="", sa_column_kwargs={"server_default": ""})


class ConsentRequestRow(SQLModel, table=True):
    """A consent that somebody gave in the lead's name and that its mailbox has yet to confirm."""

    __tablename__ = "consent_request"
    __table_args__ = (
        Index(
            "ix_consent_request_unconfirmed",
            "at",
            sqlite_where=text("confirmed_at IS NULL"),
            postgresql_where=text("confirmed_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    lead_id: str = lead()
    purpose: str
    at: datetime = moment()
    source: str
    wording: str = ""
    confirmed_at: datetime | None = maybe()


class ErasureRow(SQLModel, table=True):
    """Proof that somebody was erased, without the person: a keyed hash of each name it went by."""

    __tablename__ = "erasure"
    fingerprint: str = Field(primary_key=True)
    at: datetime = moment()
    by: str


class PlaybookRow(SQLModel, table=True):
    """An immutable version: the texts of all its files under the hash of them."""

    __tablename__ = "playbook"
    hash: str = Field(primary_key=True)
    files: dict[str, str] = json(dict)


class PlaybookInForceRow(SQLModel, table=True):
    """Who put which version in force when, and what that changed; the last row is in force. `names`: what its flows
    and steps were called before (nurture.domain.renaming); None: an earlier release did not ask."""

    __tablename__ = "playbook_in_force"
    id: int | None = Field(default=None, primary_key=True)
    hash: str = Field(sa_column=Column(String, refers("playbook.hash"), nullable=False))
    at: datetime = moment()
    by: str
    pace: str = ""
    changes: list[str] = json(list)
    names: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))


class EnrolmentRow(SQLModel, table=True):
    """`step`/`since` is the cursor in the version `playbook`; `listens` the topics that wake it; `held` says
    why the mail it stands at waits, `waited` what of the lead it has waited for at this step so far; `ended`
    why it is over. `again`: steps whose mail certainly never went out, says a person; each is sent once more.
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("lead_id", "flow", "ordinal"),
        Index("ix_enrolment_active", "lead_id", postgresql_where=text("ended IS NULL")).ddl_if(
            dialect="postgresql"
        ),
        Index(
            "ix_enrolment_listens",
            "lead_id",
            "listens",
            "ended",
            sqlite_where=text("ended IS NULL"),
        ).ddl_if(dialect="sqlite"),
        Index(
            "ix_enrolment_running",
            "id",
            sqlite_where=text("ended IS NULL"),
            postgresql_where=text("ended IS NULL"),
        ),
        Index(
            "ix_enrolment_due",
            "wake_at",
            sqlite_where=text("ended IS NULL"),
            postgresql_where=text("ended IS NULL"),
        ),
        Index("ix_enrolment_flow_step", "flow", "step", "ended"),
        Index("ix_enrolment_flow_started", "flow", "started_at"),
        Index("ix_enrolment_latest", "lead_id", "started_at", "id", "flow"),
        Index(
            "ix_enrolment_held",
            "held",
            "wake_at",
            sqlite_where=text("ended IS NULL AND held <> ''"),
            postgresql_where=text("ended IS NULL AND held <> ''"),
        ),
    )
    id: str = Field(primary_key=True)
    lead_id: str = Field(sa_column=Column(String, refers("lead.id"), nullable=False))
    flow: str
    ordinal: int
    playbook: str
    step: str | None = None
    since: datetime = moment()
    wake_at: datetime | None = maybe()
    listens: list[str] = json(list)
    held: str = ""
    waited: str = Field(default="", sa_column=Column(String, nullable=False, server_default=""))
    again: list[str] = json(list)
    started_at: datetime = moment()
    ended_at: datetime | None = maybe()
    ended: str | None = None
    reason: str = ""


class MessageRow(SQLModel, table=True):
    """The send ledger: one row per mail step of an enrolment, held unique by the database itself.

    States: planned (it was not taken, and is tried again), claimed, accepted, delivered, bounced, complained,
    failed, refused (`reason` says by what), unknown (it may have gone out; never repeated silently).
    `account`: where it was handed in, or is tried next. `put_off_at`: when its recipient's side first asked for
    patience, while it does. `bounce` says how a bounced mail came back: hard or soft. `opened_at`, `clicked_at`:
    first by a person.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "step"),
        Index("ix_message_lead_sent", "lead_id", "sent_at"),
        Index("ix_message_provider", "provider_id"),
        Index("ix_message_state", "state", "claimed_at", "id"),
        Index("ix_message_claimed", "claimed_at", "id"),
        Index("ix_message_flow", "flow", "claimed_at", "id"),
        Index("ix_message_counts", "flow", "step", "state", "opened_at", "clicked_at"),
        Index("ix_message_sender_claimed", "sender", "claimed_at"),
    )
    id: str = Field(primary_key=True)
    enrolment_id: str = Field(sa_column=Column(String, refers("enrolment.id"), nullable=False))
    step: str
    lead_id: str = Field(sa_column=Column(String, refers("lead.id"), nullable=False))
    flow: str
    template: str
    sender: str
    account: str | None = None
    state: str
    reason: str = ""
    attempts: int = 0
    claimed_at: datetime = moment()
    put_off_at: datetime | None = maybe()
    sent_at: datetime | None = maybe()
    provider_id: str | None = None
    bounce: str | None = None
    opened_at: datetime | None = maybe()
    clicked_at: datetime | None = maybe()


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
        Index("ix_call_enrolment", "enrolment_id"),
    )
    id: str = Field(primary_key=True)
    enrolment_id: str = Field(sa_column=Column(String, refers("enrolment.id"), nullable=False))
    endpoint: str
    data: dict[str, Any] = json(dict)
    created_at: datetime = moment()
    attempts: int = 0
    next_attempt_at: datetime | None = maybe()
    delivered_at: datetime | None = maybe()
    dead_at: datetime | None = maybe()
    error: str = ""


class WakeupRow(SQLModel, table=True):
    """The outbox: a workflow to be woken once this transaction is committed, or from `claimed_until` on.

    `flow`: whose turn it is, where those of many flows wait; empty for what is no flow's.
    `sender`: whose mail it will send first, should it be a run that starts.
    """

    __tablename__ = "wakeup"
    __table_args__ = (
        Index(
            "ix_wakeup_urgent",
            "claimed_until",
            sqlite_where=text("kind <> 'enrolment'"),
            postgresql_where=text("kind <> 'enrolment'"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    key: str = Field(index=True)
    flow: str = Field(default="", sa_column_kwargs={"server_default": ""})
    sender: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created_at: datetime = moment(index=True)
    claimed_until: datetime = moment(index=True)


class ClickRow(SQLModel, table=True):
    """A click that counts from `due` on if it is a person's."""

    __tablename__ = "click"
    touch_id: str = Field(primary_key=True)
    due: datetime = moment(index=True)


class QuarantineRow(SQLModel, table=True):
    """What could not be used, kept with the reason."""

    __tablename__ = "quarantine"
    id: int | None = Field(default=None, primary_key=True)
    source: str
    reason: str
    raw: str
    at: datetime = moment(index=True)


class ReportSentRow(SQLModel, table=True):
    """A report to one receiver, whose address is not kept here. `run` is its plan and the time that it was due; empty
    for what an earlier release began, until it is tried again.

    States: waiting, claimed, sent, failed, unknown (a mail that may have gone out; never repeated).
    """

    __tablename__ = "report_sent"
    id: str = Field(primary_key=True)
    plan: str
    run: str = Field(default="", sa_column_kwargs={"server_default": ""})
    state: str
    attempts: int = 0
    changed_at: datetime = moment()
    next_try_at: datetime | None = maybe()
    error: str = ""
