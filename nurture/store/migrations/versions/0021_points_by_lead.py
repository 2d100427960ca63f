"""Points are kept by lead: one place to write for all touches of a lead, and one to read.

Revision: 0021, after 0020
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Moment

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_BY_LEAD, _BY_TOUCH = ("lead_id", "rule", "touch_id"), ("touch_id", "rule")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(_BY_LEAD, sqlite_with_rowid=False)
    else:
        _swap(_BY_LEAD)
        op.drop_index("ix_score_entry_lead_id", "score_entry")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(_BY_TOUCH)
    else:
        _swap(_BY_TOUCH)
    op.create_index("ix_score_entry_lead_id", "score_entry", ["lead_id"])


def _rebuild(key: Sequence[str], **options: bool) -> None:
    op.create_table(
        "score_entry_new",
        sa.Column("lead_id", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("touch_id", sa.String(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], deferrable=True, initially="DEFERRED"),
        sa.PrimaryKeyConstraint(*key),
        **options,
    )
    names = "lead_id, rule, touch_id, points, at, expires_at"
    op.execute(f"INSERT INTO score_entry_new ({names}) SELECT {names} FROM score_entry")
    op.drop_table("score_entry")
    op.rename_table("score_entry_new", "score_entry")


def _swap(key: Sequence[str]) -> None:
    """The index is built while others write; only the change of hands holds them up, for a moment."""
    with op.get_context().autocommit_block():
        op.create_index(
            "score_entry_key",
            "score_entry",
            list(key),
            unique=True,
            postgresql_concurrently=True,
        )
    op.execute(
        "ALTER TABLE score_entry DROP CONSTRAINT score_entry_pkey,"
        " ADD CONSTRAINT score_entry_pkey PRIMARY KEY USING INDEX score_entry_key"
    )
