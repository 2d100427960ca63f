"""Who is on which audience, and how each audience and each ad account stands."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, String, false, text
from sqlmodel import Field, SQLModel

from nurture.store.columns import Json, json, maybe, moment, refers


class AudienceMemberRow(SQLModel, table=True):
    """`desired` is what should be, `confirmed` that the platform took it, `named` that it may hold it: from
    before the first attempt until a removal is confirmed. Owed: desired <> confirmed, or named and not desired.

    `sent_as` is the person as it was sent, so that exactly that is removed whatever changed since; the hashes,
    as the platform was told them, find others whom the same removal would take off. `objects`: it leaves because
    it withdrew its consent or was erased, so before everybody else. `request`: where the platform makes changes later,
    its id of the one in which this row was last.
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
            "ix_audience_leaving",
            "audience",
            "next_try_at",
            sqlite_where=text("named = 1 AND desired = 0"),
            postgresql_where=text("named AND NOT desired"),
        ),
        Index(
            "ix_audience_objects",
            "audience",
            "next_try_at",
            sqlite_where=text("objects = 1"),
            postgresql_where=text("objects"),
        ),
        Index(
            "ix_audience_confirmed",
            "audience",
            "confirmed_at",
            sqlite_where=text("desired = 1 AND confirmed = 1"),
            postgresql_where=text("desired AND confirmed"),
        ),
        Index("ix_audience_counts", "audience", "confirmed", "named", "desired"),
        Index(
            "ix_audience_refused",
            "audience",
            "error",
            sqlite_where=text("error <> ''"),
            postgresql_where=text("error <> ''"),
        ),
        Index("ix_audience_leaves", "audience", "leaves_at"),
        Index("ix_audience_lead", "lead_id"),
        Index("ix_audience_email", "audience", "email_hash"),
        Index("ix_audience_phone", "audience", "phone_hash"),
    )
    audience: str = Field(primary_key=True)
    lead_id: str = Field(sa_column=Column(String, refers("lead.id"), primary_key=True))
    by_step: bool | None = None
    desired: bool = False
    confirmed: bool = False
    named: bool = False
    confirmed_at: datetime | None = maybe()
    since: datetime | None = maybe()
    leaves_at: datetime | None = maybe()
    changed_at: datetime = moment()
    next_try_at: datetime = moment()
    attempts: int = 0
    error: str = ""
    sent_as: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
    email_hash: str | None = None
    phone_hash: str | None = None
    request: str | None = None
    objects: bool = Field(
        sa_column=Column(Boolean, nullable=False, server_default=false()), default=False
    )


class AudienceRow(SQLModel, table=True):
    """One list as the platform knows it: `platform` and `external_id` are where its members are now, which
    may not be where the playbook wants them any more.

    `compared_at` and `compared_by`: when all leads were last compared with the rule, and of which playbook;
    `cursor` is the last lead of a comparison under way. `free_at`: after a failure, when to call again.
    `renew_asked_at`: somebody wants the whole list sent anew; `session_until`: till then the platform may
    hold a replacement that was never ended.
    """

    __tablename__ = "audience"
    name: str = Field(primary_key=True)
    platform: str
    external_id: str
    paused: bool = False
    synced_at: datetime | None = maybe()
    compared_at: datetime | None = maybe()
    compared_by: str = ""
    cursor: str = ""
    attempts: int = 0
    free_at: datetime | None = maybe()
    error: str = ""
    renew_asked_at: datetime | None = maybe()
    renewed_at: datetime | None = maybe()
    session_until: datetime | None = maybe()


class AdRequestRow(SQLModel, table=True):
    """A change of these leads that a platform took in and of which it has not said what came of it; next asked about at
    `ask_at`."""

    __tablename__ = "ad_request"
    __table_args__ = (Index("ix_ad_request_due", "audience", "ask_at"),)
    id: str = Field(primary_key=True)
    audience: str
    adds: bool
    lead_ids: list[str] = json(list)
    accepted_at: datetime = moment()
    ask_at: datetime = moment()


class AdAccountRow(SQLModel, table=True):
    """A platform that asked for rest: nobody calls it before `free_at`, whichever audience it is about."""

    __tablename__ = "ad_account"
    platform: str = Field(primary_key=True)
    free_at: datetime = moment()
