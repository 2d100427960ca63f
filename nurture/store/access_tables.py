"""Who may come in: accounts, their sessions, programs' tokens, failed attempts, and the audit log.

A password is kept as its argon2id hash, a session and a token as the SHA-256 of a random secret: who reads
these tables cannot come in with what stands there.
"""

from datetime import datetime

from sqlalchemy import Column, Index, String
from sqlmodel import Field, SQLModel

from nurture.store.columns import json, maybe, moment, refers


class AccountRow(SQLModel, table=True):
    """A colleague. `owner` is the name under which a playbook's team gives leads to it. Without a
    `password` it comes in by the company's own sign-in only."""

    __tablename__ = "account"
    id: str = Field(primary_key=True)
    email: str = Field(unique=True)
    name: str
    role: str
    owner: str = ""
    password: str = ""
    language: str = ""
    theme: str = ""
    created_at: datetime = moment()
    seen_at: datetime | None = maybe()


class SessionRow(SQLModel, table=True):
    __tablename__ = "session"
    id: str = Field(primary_key=True)
    account_id: str = Field(
        sa_column=Column(String, refers("account.id"), nullable=False, index=True)
    )
    created_at: datetime = moment()
    seen_at: datetime = moment()


class ApiTokenRow(SQLModel, table=True):
    """`secret` is the hash; `scopes` the permissions it has."""

    __tablename__ = "api_token"
    id: str = Field(primary_key=True)
    secret: str = Field(unique=True)
    name: str
    scopes: list[str] = json(list)
    created_by: str
    created_at: datetime = moment()
    expires_at: datetime | None = maybe()
    used_at: datetime | None = maybe()
    revoked_at: datetime | None = maybe()


class AttemptRow(SQLModel, table=True):
    """A sign-in that failed, under a keyed hash of the account's name and of the address it came from."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("ix_sign_in_attempt", "key", "at"),)
    id: int | None = Field(default=None, primary_key=True)
    key: str
    at: datetime = moment()


class AuditRow(SQLModel, table=True):
    """Who did what to what. `subject` holds surrogate ids and names of parts, never a lead's address."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_who", "who", "id"),)
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = moment(index=True)
    who: str
    action: str
    subject: str = ""
    outcome: str = ""
    detail: str = ""
