"""Run by Alembic with the connection that nurture.store.migrate hands over."""

from alembic import context
from sqlmodel import SQLModel

from nurture.store import (
    access_tables,
    audience_tables,
    feedback_tables,
    handover_tables,
    tables,
    upkeep_tables,
)

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()

for declared in (
    access_tables.AccountRow,
    audience_tables.AudienceRow,
    feedback_tables.FeedbackRow,
    handover_tables.HandoverRow,
    tables.LeadRow,
    upkeep_tables.UpkeepRow,
):
    assert declared.__tablename__ in SQLModel.metadata.tables, "all tables are declared"
