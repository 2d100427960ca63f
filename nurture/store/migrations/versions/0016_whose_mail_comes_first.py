"""A wake-up that starts a run says whose mail the run sends first.

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("wakeup", sa.Column("sender", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("wakeup", "sender")
