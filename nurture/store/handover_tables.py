"""Leads in the hands of sales: handovers, what sales was told, and what was sold."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, String, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from nurture.domain.sla import RUNNING
from nurture.store.columns import json, lead, maybe, moment, refers

OPEN_STATES = "state IN ('open', 'accepted', 'snoozed', 'booked', 'contacted')"
_RUNNING = ", ".join(f"'{state}'" for state in sorted(RUNNING))
IN_HAND = f"state IN ({_RUNNING})"
"""Letter by letter as its index has it."""


class HandoverRow(SQLModel, table=True):
    """A lead in the hands of sales. `done` lists the deadlines already acted on.

    `kind` is handover, or task for a single thing asked by a `step` of the flow `trigger`, which leaves the
    lead where it is. `terms` are those it was given, `pauses` when its clock stood still; `until` is the
    date of a snooze, of a booked meeting, or of the talk that came of one. `held_since`: when its owner got
    it from another one. `closed_at`: when it was over; a task that is done is over.
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
        Index(
            "ix_handover_unclosed",
            "state",
            "due_at",
            "kind",
            "owner",
            "closed_at",  # always null; named here, it spares SQLite the look at the row
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_handover_in_hand",
            "team",
            "owner",
            sqlite_where=text(IN_HAND),
            postgresql_where=text(IN_HAND),
        ),
        Index("ix_handover_opened", "opened_at"),
        Index("ix_handover_owner", "owner"),
        Index("ix_handover_latest", "lead_id", "kind", "opened_at", "id", "owner"),
    )
    id: str = Field(primary_key=True)
    lead_id: str = Field(sa_column=Column(String, refers("lead.id"), nullable=False))
    ordinal: int
    kind: str = "handover"
    playbook: str
    team: str
    owner: str
    state: str
    reason: str
    trigger: str
    opened_at: datetime = moment()
    due_at: datetime = moment()
    accepted_at: datetime | None = maybe()
    contacted_at: datetime | None = maybe()
    held_since: datetime | None = maybe()
    closed_at: datetime | None = maybe()
    outcome: str | None = None
    how: str | None = None
    amount: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    currency: str | None = None
    done: list[str] = json(list)
    step: str | None = None
    until: datetime | None = maybe()
    terms: dict[str, Any] = json(dict)
    pauses: list[dict[str, Any]] = json(list)


class HandoverRuleRow(SQLModel, table=True):
    """A scoring rule that had given the lead points when it was handed over: what qualified it."""

    __tablename__ = "handover_rule"
    handover_id: str = Field(sa_column=Column(String, refers("handover.id"), primary_key=True))
    rule: str = Field(primary_key=True)
    points: int


class HandoverEventRow(SQLModel, table=True):
    """What happened to a handover, in order: opened, accepted, reminded, escalated, ..."""

    __tablename__ = "handover_event"
    id: int | None = Field(default=None, primary_key=True)
    handover_id: str = Field(
        sa_column=Column(String, refers("handover.id"), nullable=False, index=True)
    )
    kind: str
    at: datetime = moment()
    by: str
    detail: str = ""


class NoticeRow(SQLModel, table=True):
    """One thing to tell sales. Delivered in order per handover, the same body on every attempt."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_handover", "handover_id", "number"),
        Index(
            "ix_notice_dead",
            "dead_at",
            sqlite_where=text("dead_at IS NOT NULL"),
            postgresql_where=text("dead_at IS NOT NULL"),
        ),
        Index(
            "ix_notice_due",
            "next_attempt_at",
            sqlite_where=text("delivered_at IS NULL AND dead_at IS NULL"),
            postgresql_where=text("delivered_at IS NULL AND dead_at IS NULL"),
        ),
    )
    id: str = Field(primary_key=True)
    handover_id: str = Field(sa_column=Column(String, refers("handover.id"), nullable=False))
    number: int
    type: str
    data: dict[str, Any] = json(dict)
    created_at: datetime = moment()
    attempts: int = 0
    next_attempt_at: datetime | None = maybe()
    delivered_at: datetime | None = maybe()
    dead_at: datetime | None = maybe()
    error: str = ""


class ReceiverRow(SQLModel, table=True):
    """A receiver that answered 410 Gone and is not called until somebody opens it again."""

    __tablename__ = "receiver"
    name: str = Field(primary_key=True)
    closed_at: datetime = moment()
    error: str


class SaleRow(SQLModel, table=True):
    """An order: revenue in whole units of the currency."""

    __tablename__ = "sale"
    id: str = Field(primary_key=True)
    lead_id: str = lead()
    handover_id: str | None = None
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    currency: str
    at: datetime = moment(index=True)
