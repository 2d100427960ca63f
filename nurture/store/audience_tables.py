"""How each audience, and each ad account, stands. The members are in tables.AudienceMemberRow."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from nurture.store.tables import _maybe, _moment


class AudienceRow(SQLModel, table=True):
    """One list as the platform knows it: `platform` and `external_id` are where its members are now, which
    may not be where the playbook wants them any more.

    `compared_at` and `compared_by`: when all leads were last compared with the rule, and of which playbook;
    `cursor` is the last lead of a comparison under way. `free_at`: after a failure, when to call again.
    """

    __tablename__ = "audience"
    name: str = Field(primary_key=True)
    platform: str
    external_id: str
    paused: bool = False
    synced_at: datetime | None = _maybe()
    compared_at: datetime | None = _maybe()
    compared_by: str = ""
    cursor: str = ""
    attempts: int = 0
    free_at: datetime | None = _maybe()
    error: str = ""


class AdAccountRow(SQLModel, table=True):
    """A platform that asked for rest: nobody calls it before `free_at`, whichever audience it is about."""

    __tablename__ = "ad_account"
    platform: str = Field(primary_key=True)
    free_at: datetime = _moment()
