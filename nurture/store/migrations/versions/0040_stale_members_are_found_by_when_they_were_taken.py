"""Whom a platform took longest ago is found at the edge of an index.

Piece by piece a long list was searched from its beginning, past all who had been named again before.

Revision: 0040, after 0039
"""

from nurture.store.online import create_index, drop_index

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_STAYING = "desired AND confirmed"
_ON_SQLITE = "desired = 1 AND confirmed = 1"


def upgrade() -> None:
    columns = ("audience", "confirmed_at")
    create_index("ix_audience_confirmed", "audience_member", columns, _STAYING, _ON_SQLITE)


def downgrade() -> None:
    drop_index("ix_audience_confirmed", "audience_member")
