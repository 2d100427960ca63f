"""What runs among all that ever ran, and whom an audience owes a removal, are found by an index of those few;
an audience of a million is counted without reading its members.

Revision: 0023, after 0021
"""

from nurture.store.online import create_index, drop_index

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("ix_enrolment_running", "enrolment", ["id"], "ended IS NULL")
    create_index(
        "ix_audience_leaving",
        "audience_member",
        ["audience", "next_try_at"],
        "named AND NOT desired",
        on_sqlite="named = 1 AND desired = 0",
    )
    create_index("ix_audience_refused", "audience_member", ["audience", "error"], "error <> ''")
    counted = ["audience", "desired", "confirmed", "named"]
    create_index("ix_audience_counts", "audience_member", counted)
    drop_index("ix_audience_removals", "audience_member")


def downgrade() -> None:
    create_index(
        "ix_audience_removals",
        "audience_member",
        ["audience", "next_try_at"],
        "desired <> named",
    )
    drop_index("ix_audience_counts", "audience_member")
    drop_index("ix_audience_refused", "audience_member")
    drop_index("ix_audience_leaving", "audience_member")
    drop_index("ix_enrolment_running", "enrolment")
