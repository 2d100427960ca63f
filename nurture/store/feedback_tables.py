"""What mail systems told us of our mails, and which senders stand still because of it."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from nurture.store.columns import maybe, moment


class FeedbackRow(SQLModel, table=True):
    """One event, as it came (`raw`) and as we read it. The id is made of the provider's own, so an event
    told twice is stored once; `nonce` is what a provider promises to use only once.

    `message_id` and `lead_id` are empty while nobody knows which mail it is about.
    """

    __tablename__ = "feedback"
    id: str = Field(primary_key=True)
    provider: str
    nonce: str | None = Field(default=None, unique=True)
    kind: str
    at: datetime = moment()
    received_at: datetime = moment(index=True)
    message_id: str | None = Field(default=None, index=True)
    lead_id: str | None = Field(default=None, index=True)
    reason: str = ""
    raw: str = ""


class SenderRow(SQLModel, table=True):
    """A sender that was paused at least once, or has a share a day. It stands still while `paused_at` is set.

    After `resumed_at` only mails sent since then count against it.
    """

    __tablename__ = "sender"
    id: str = Field(primary_key=True)
    paused_at: datetime | None = maybe()
    reason: str = ""
    by: str = ""
    resumed_at: datetime | None = maybe()
