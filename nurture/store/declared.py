"""Every table that the code declares, whatever else was imported."""

from sqlmodel import SQLModel

from nurture.store import (  # noqa: F401 - the tables are declared there
    access_tables,
    audience_tables,
    feedback_tables,
    handover_tables,
    tables,
    upkeep_tables,
)

METADATA = SQLModel.metadata
