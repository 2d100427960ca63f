"""Touches that are too old are found at the edge of an index in order.

A BRIN index only ever widens: once what is new stands where old ones were, every part of the table may hold something
old, and each page of them read through half of it.

Revision: 0038, after 0037
"""

from alembic import op

from nurture.store.online import create_index, drop_index

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        create_index("ix_touch_received", "touch", ("received_at",))


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        drop_index("ix_touch_received", "touch")
        op.create_index("ix_touch_received", "touch", ["received_at"], postgresql_using="brin")
