"""What an ad platform took in is asked about until it says what came of it.

Revision: 0036, after 0035
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Json, Moment

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ad_request",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("adds", sa.Boolean(), nullable=False),
        sa.Column("lead_ids", Json, nullable=False),
        sa.Column("accepted_at", Moment(), nullable=False),
        sa.Column("ask_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_ad_request_due", "ad_request", ["audience", "ask_at"])
    op.add_column("audience_member", sa.Column("request", sa.String(), nullable=True))


def downgrade() -> None:
    """What is under way is owed again once its time has passed."""
    op.drop_column("audience_member", "request")
    op.drop_table("ad_request")
