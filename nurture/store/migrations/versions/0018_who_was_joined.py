"""Whom a lead was joined with is found by an index of those few.

Revision: 0018, after 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_JOINED = sa.text("merged_into IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_lead_joined", "lead", ["merged_into"], sqlite_where=_JOINED, postgresql_where=_JOINED
    )


def downgrade() -> None:
    op.drop_index("ix_lead_joined", "lead")
