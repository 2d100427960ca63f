"""A lead keeps since when its mails tell something of its address.

Revision: 0035, after 0034
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Moment

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lead", sa.Column("bounces_since", Moment(), nullable=True))


def downgrade() -> None:
    op.drop_column("lead", "bounces_since")
