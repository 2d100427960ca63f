"""A mail keeps since when its recipient's side puts it off.

Revision: 0033, after 0032
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Moment

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("put_off_at", Moment(), nullable=True))


def downgrade() -> None:
    op.drop_column("message", "put_off_at")
