"""Clicks wait until it is known that a person made them.

Revision: 0031, after 0030
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Moment

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "click",
        sa.Column("touch_id", sa.String(), nullable=False),
        sa.Column("due", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("touch_id"),
    )
    op.create_index("ix_click_due", "click", ["due"])


def downgrade() -> None:
    """Who does not wait takes the click for a person's."""
    op.execute("UPDATE touch SET machine = NULL WHERE id IN (SELECT touch_id FROM click)")
    op.drop_table("click")
