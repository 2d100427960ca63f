"""When a person first opened a mail and clicked in it; lists and counts of flows and mails by index alone

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("opened_at", Moment(), nullable=True))
    op.add_column("message", sa.Column("clicked_at", Moment(), nullable=True))
    op.drop_index("ix_enrolment_flow_step", "enrolment")
    op.create_index("ix_enrolment_flow_step", "enrolment", ["flow", "step", "ended"])
    op.drop_index("ix_message_state", "message")
    op.create_index("ix_message_state", "message", ["state", "claimed_at", "id"])
    op.drop_index("ix_message_claimed", "message")
    op.create_index("ix_message_claimed", "message", ["claimed_at", "id"])
    columns = ["flow", "step", "state", "opened_at", "clicked_at"]
    op.create_index("ix_message_counts", "message", columns)
    op.create_index("ix_message_flow", "message", ["flow", "claimed_at", "id"])
    op.create_index("ix_lead_list", "lead", ["created_at", "id"])
    for column in ("stage", "persona"):
        op.drop_index(f"ix_lead_{column}", "lead")
        op.create_index(f"ix_lead_{column}", "lead", [column, "created_at", "id"])


def downgrade() -> None:
    for column in ("stage", "persona"):
        op.drop_index(f"ix_lead_{column}", "lead")
        op.create_index(f"ix_lead_{column}", "lead", [column])
    op.drop_index("ix_lead_list", "lead")
    op.drop_index("ix_message_counts", "message")
    op.drop_index("ix_message_flow", "message")
    op.drop_index("ix_message_claimed", "message")
    op.create_index("ix_message_claimed", "message", ["claimed_at"])
    op.drop_index("ix_message_state", "message")
    op.create_index("ix_message_state", "message", ["state"])
    op.drop_index("ix_enrolment_flow_step", "enrolment")
    op.create_index("ix_enrolment_flow_step", "enrolment", ["flow", "step"])
    op.drop_column("message", "clicked_at")
    op.drop_column("message", "opened_at")
