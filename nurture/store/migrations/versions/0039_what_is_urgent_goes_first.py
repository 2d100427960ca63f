"""Of the wake-ups that are left to the relay, what is no enrolment is found first.

Revision: 0039, after 0038
"""

from nurture.store.online import create_index, drop_index

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("ix_wakeup_urgent", "wakeup", ("claimed_until",), "kind <> 'enrolment'")


def downgrade() -> None:
    drop_index("ix_wakeup_urgent", "wakeup")
