"""What is in force keeps what its flows and steps were called before.

Revision: 0034, after 0033
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Json

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("playbook_in_force", sa.Column("names", Json, nullable=True))


def downgrade() -> None:
    op.drop_column("playbook_in_force", "names")
