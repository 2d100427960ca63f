"""Who came back to a stage is found by whence it fell.

Revision: 0007, after 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_stage_change_from", "stage_change", ["from_stage", "to_stage", "lead_id", "at"]
    )


def downgrade() -> None:
    op.drop_index("ix_stage_change_from", "stage_change")
