"""Which flow a lead entered last, and who had it last, is told by an index alone.

Revision: 0020, after 0018
"""

from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_enrolment_latest", "enrolment", ["lead_id", "started_at", "id", "flow"])
    op.create_index(
        "ix_handover_latest", "handover", ["lead_id", "kind", "opened_at", "id", "owner"]
    )


def downgrade() -> None:
    op.drop_index("ix_handover_latest", "handover")
    op.drop_index("ix_enrolment_latest", "enrolment")
