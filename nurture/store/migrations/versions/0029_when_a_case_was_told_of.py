"""A lead keeps when each of its support cases was last told of, and as what, so that news may come in any order.

Revision: 0029, after 0028
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Json

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lead", sa.Column("cases_told", Json, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("lead", "cases_told")
