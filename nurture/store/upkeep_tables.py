"""What the nightly comparison of the database with Temporal found."""

from datetime import datetime

from sqlalchemy import Column, String
from sqlmodel import Field, SQLModel

from nurture.store.columns import json, maybe, moment, refers


class UpkeepRow(SQLModel, table=True):
    """One comparison; `id` is Temporal's of the workflow's first run, `looked` how many of each kind it looked at."""

    __tablename__ = "upkeep"
    id: str = Field(primary_key=True)
    began_at: datetime = moment(index=True)
    ended_at: datetime | None = maybe()
    looked: dict[str, int] = json(dict)


class DriftRow(SQLModel, table=True):
    """One difference, and that it was repaired: the workflow `kind`/`key` was woken or started at `at`."""

    __tablename__ = "drift"
    upkeep_id: str = Field(sa_column=Column(String, refers("upkeep.id"), primary_key=True))
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    what: str
    at: datetime = moment(index=True)
