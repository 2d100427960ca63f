"""What becomes of mails: feedback, soft bounces, breaks, and senders that stand still

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Json, Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("lead_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("raw", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("nonce"),
    )
    for column in ("received_at", "message_id", "lead_id"):
        op.create_index(f"ix_feedback_{column}", "feedback", [column])
    op.create_table(
        "sender",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("paused_at", Moment(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("resumed_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("lead", sa.Column("declined", Json, nullable=False, server_default="[]"))
    op.add_column(
        "lead", sa.Column("soft_bounces", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("lead", sa.Column("paused_until", Moment(), nullable=True))
    op.add_column("message", sa.Column("bounce", sa.String(), nullable=True))
    op.add_column("enrolment", sa.Column("again", Json, nullable=False, server_default="[]"))
    op.create_index("ix_message_claimed", "message", ["claimed_at"])
    op.create_index("ix_message_provider", "message", ["provider_id"])


def downgrade() -> None:
    for index in ("provider", "claimed"):
        op.drop_index(f"ix_message_{index}", table_name="message")
    with op.batch_alter_table("message") as table:
        table.drop_column("bounce")
    with op.batch_alter_table("enrolment") as table:
        table.drop_column("again")
    with op.batch_alter_table("lead") as table:
        table.drop_column("paused_until")
        table.drop_column("soft_bounces")
        table.drop_column("declined")
    op.drop_table("sender")
    op.drop_table("feedback")
