"""A task that is done is over, and what is not over is found by an index of that; a handover keeps when its owner got
it from another one; currencies are written in capitals.

Revision: 0032, after 0031
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Moment
from nurture.store.online import create_index, drop_index

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_DONE = "kind = 'task' AND state IN ('booked', 'contacted')"
_PASSED_ON = "FROM handover_event WHERE handover_id = handover.id AND kind = 'reassigned'"


def upgrade() -> None:
    """The indexes come first: they can be made again. Then the column, which waits for everybody who has the table in
    use: with rows of it in hand it would wait for those who wait for these."""
    columns = ("state", "due_at", "kind", "owner", "closed_at")
    create_index("ix_handover_unclosed", "handover", columns, "closed_at IS NULL")
    drop_index("ix_handover_state_due", "handover")
    op.add_column("handover", sa.Column("held_since", Moment(), nullable=True))
    op.execute(f"UPDATE handover SET closed_at = contacted_at WHERE closed_at IS NULL AND {_DONE}")
    op.execute(
        "UPDATE sale SET currency = upper(currency)"
        " WHERE length(currency) = 3 AND currency <> upper(currency)"
    )
    op.execute(
        f"UPDATE handover SET held_since = (SELECT max(at) {_PASSED_ON})"
        f" WHERE closed_at IS NULL AND EXISTS (SELECT 1 {_PASSED_ON})"
    )


def downgrade() -> None:
    create_index("ix_handover_state_due", "handover", ("state", "due_at"))
    drop_index("ix_handover_unclosed", "handover")
    op.drop_column("handover", "held_since")
    op.execute(f"UPDATE handover SET closed_at = NULL WHERE {_DONE}")
