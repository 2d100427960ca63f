"""Points are counted from the touches: nothing is kept of them but what they come to.

The way back finds no points; whoever has the score of no playbook is scored anew from its touches, which are all there.

Revision: 0026, after 0025
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Moment

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("score_entry")


def downgrade() -> None:
    op.create_table(
        "score_entry",
        sa.Column("lead_id", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("touch_id", sa.String(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], deferrable=True, initially="DEFERRED"),
        sa.PrimaryKeyConstraint("lead_id", "rule", "touch_id"),
        sqlite_with_rowid=False,
    )
    op.execute("UPDATE lead SET scored_by = NULL, tally = NULL")
