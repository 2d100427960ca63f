"""In SQLite a name's row stands in its key, where it is looked for: half the pages to read, which counts among many.

Revision: 0027, after 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rebuild(sqlite_with_rowid=False)


def downgrade() -> None:
    _rebuild()


def _rebuild(**options: bool) -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.create_table(
        "identity_new",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("lead_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], deferrable=True, initially="DEFERRED"),
        sa.PrimaryKeyConstraint("kind", "value"),
        **options,
    )
    names = "kind, value, lead_id"
    op.execute(
        f"INSERT INTO identity_new ({names}) SELECT {names} FROM identity ORDER BY kind, value"
    )
    op.drop_table("identity")
    op.rename_table("identity_new", "identity")
    op.create_index("ix_identity_lead_id", "identity", ["lead_id"])
