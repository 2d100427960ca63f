"""The nightly comparison asks of whom Temporal is yet to be told: of a crowd's last ones.

Revision: 0042, after 0041
"""

from nurture.store.online import create_index, drop_index

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("ix_wakeup_key", "wakeup", ("key",))


def downgrade() -> None:
    drop_index("ix_wakeup_key", "wakeup")
