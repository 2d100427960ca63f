"""Which account a mail goes through, and indexes for a sender's day

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("account", sa.String(), nullable=True))
    op.create_index("ix_message_sender_claimed", "message", ["sender", "claimed_at"])
    op.create_index(
        "ix_enrolment_held",
        "enrolment",
        ["held", "wake_at"],
        sqlite_where=sa.text("ended IS NULL AND held <> ''"),
        postgresql_where=sa.text("ended IS NULL AND held <> ''"),
    )


def downgrade() -> None:
    op.drop_index("ix_enrolment_held", "enrolment")
    op.drop_index("ix_message_sender_claimed", "message")
    op.drop_column("message", "account")
