"""Every table that the code declares, whatever else was imported."""

from sqlmodel import SQLModel

from nurture.store import (
    access_tables,
    audience_tables,
    feedback_tables,
    handover_tables,
    tables,
    upkeep_tables,
)

MODULES = (
    access_tables,
    audience_tables,
    feedback_tables,
    handover_tables,
    tables,
    upkeep_tables,
)
"""To import them is to declare their tables."""

METADATA = SQLModel.metadata
