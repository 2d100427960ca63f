"""What each of a team has in hand is counted by an index of that; the one that counts an audience begins so that SQLite
does not take it for finding whose stay is over.

Revision: 0024, after 0023
"""

from nurture.store.online import create_index, drop_index

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_hand = "state IN ('accepted', 'open', 'snoozed')"
    create_index("ix_handover_in_hand", "handover", ["team", "owner"], in_hand)
    _counted_by("audience", "confirmed", "named", "desired")


def downgrade() -> None:
    _counted_by("audience", "desired", "confirmed", "named")
    drop_index("ix_handover_in_hand", "handover")


def _counted_by(*columns: str) -> None:
    create_index("ix_audience_counts", "audience_member", columns)
