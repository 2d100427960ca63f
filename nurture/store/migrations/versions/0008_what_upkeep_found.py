"""What upkeep found

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Json, Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upkeep",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("looked", Json, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_upkeep_began_at", "upkeep", ["began_at"])
    op.create_table(
        "drift",
        sa.Column("upkeep_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upkeep_id"], ["upkeep.id"], initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("upkeep_id", "kind", "key"),
    )
    op.create_index("ix_drift_at", "drift", ["at"])


def downgrade() -> None:
    op.drop_table("drift")
    op.drop_table("upkeep")
