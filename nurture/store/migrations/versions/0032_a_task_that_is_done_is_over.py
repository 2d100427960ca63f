"""A task that is done is over, and what is not over is found by an index of that.

Revision: 0032, after 0031
"""

from alembic import op

from nurture.store.online import create_index, drop_index

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_DONE = "kind = 'task' AND state IN ('booked', 'contacted')"


def upgrade() -> None:
    op.execute(f"UPDATE handover SET closed_at = contacted_at WHERE closed_at IS NULL AND {_DONE}")
    columns = ("state", "due_at", "kind", "owner", "closed_at")
    create_index("ix_handover_unclosed", "handover", columns, "closed_at IS NULL")
    drop_index("ix_handover_state_due", "handover")


def downgrade() -> None:
    create_index("ix_handover_state_due", "handover", ("state", "due_at"))
    drop_index("ix_handover_unclosed", "handover")
    op.execute(f"UPDATE handover SET closed_at = NULL WHERE {_DONE}")
