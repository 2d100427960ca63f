"""Wake-ups know their flow, so that the flows take turns.

Revision: 0014, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("wakeup", sa.Column("flow", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("wakeup", "flow")
