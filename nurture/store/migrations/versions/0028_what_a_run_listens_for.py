"""In SQLite what a lead's runs listen for stands in the index by which they are found: every touch asks for it, and
need not read their rows. (SQLite looks at `ended` again, though the index has no others.) In PostgreSQL such an index
would refuse long lists.

Revision: 0028, after 0027
"""

from alembic import op

from nurture.store.online import create_index, drop_index

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

RUNNING = "ended IS NULL"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        columns = ["lead_id", "listens", "ended"]
        create_index("ix_enrolment_listens", "enrolment", columns, RUNNING)
        drop_index("ix_enrolment_active", "enrolment")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        create_index("ix_enrolment_active", "enrolment", ["lead_id"], RUNNING)
        drop_index("ix_enrolment_listens", "enrolment")
