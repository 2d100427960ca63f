"""The first schema

Revision: 0001, after None
"""

from alembic import op

from nurture.store.migrations.first import FIRST, people, work  # noqa: F401 - the tables are declared there

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    FIRST.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    FIRST.drop_all(op.get_bind(), checkfirst=False)
