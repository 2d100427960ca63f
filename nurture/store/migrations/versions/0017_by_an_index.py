"""What is asked by the minute, or for one lead, is found by an index.

Revision: 0017, after 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_DEAD = sa.text("dead_at IS NOT NULL")
_UNTOLD = sa.text("delivered_at IS NULL AND dead_at IS NULL")


def upgrade() -> None:
    op.create_index("ix_audience_lead", "audience_member", ["lead_id"])
    op.create_index("ix_call_enrolment", "call", ["enrolment_id"])
    op.create_index("ix_touch_received", "touch", ["received_at"], postgresql_using="brin")
    op.create_index("ix_wakeup_created_at", "wakeup", ["created_at"])
    op.create_index("ix_quarantine_at", "quarantine", ["at"])
    op.drop_index("ix_notice_dead", "notice")
    _partial("ix_notice_dead", "dead_at", _DEAD)
    _partial("ix_notice_due", "next_attempt_at", _UNTOLD)


def downgrade() -> None:
    op.drop_index("ix_notice_due", "notice")
    op.drop_index("ix_notice_dead", "notice")
    op.create_index("ix_notice_dead", "notice", ["dead_at"])
    op.drop_index("ix_quarantine_at", "quarantine")
    op.drop_index("ix_wakeup_created_at", "wakeup")
    op.drop_index("ix_touch_received", "touch")
    op.drop_index("ix_call_enrolment", "call")
    op.drop_index("ix_audience_lead", "audience_member")


def _partial(name: str, column: str, where: sa.TextClause) -> None:
    op.create_index(name, "notice", [column], sqlite_where=where, postgresql_where=where)
