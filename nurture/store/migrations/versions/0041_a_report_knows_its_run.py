"""What is left to send of a report says of which of its times it is.

Revision: 0041, after 0040
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("report_sent", sa.Column("run", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("report_sent", "run")
