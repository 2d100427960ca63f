"""Alembic's room: one file per schema version under versions/."""
