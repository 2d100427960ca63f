"""Who objects leaves an audience first, an audience may be renewed as a whole; leads are counted from an index.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "audience_member",
        sa.Column("objects", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "ix_audience_objects",
        "audience_member",
        ["audience", "next_try_at"],
        sqlite_where=sa.text("objects = 1"),
        postgresql_where=sa.text("objects"),
    )
    op.create_index(
        "ix_lead_known", "lead", ["merged_into", "erased_at", "stage", "persona", "email"]
    )
    for name in ("renew_asked_at", "renewed_at", "session_until"):
        op.add_column("audience", sa.Column(name, Moment(), nullable=True))


def downgrade() -> None:
    op.drop_index("ix_lead_known", "lead")
    for name in ("session_until", "renewed_at", "renew_asked_at"):
        op.drop_column("audience", name)
    op.drop_index("ix_audience_objects", "audience_member")
    op.drop_column("audience_member", "objects")
