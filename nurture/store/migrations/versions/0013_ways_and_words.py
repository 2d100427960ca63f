"""The way of a lead in each of its stage changes, by which figures are counted; words to find leads by

Revision: 0013, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None

_LISTED = {"sqlite": "group_concat(stage, ',')", "postgresql": "string_agg(stage, ',')"}


def upgrade() -> None:
    listed = _LISTED[op.get_bind().dialect.name]
    op.add_column("stage_change", sa.Column("way", sa.String(), nullable=False, server_default=""))
    op.execute(
        f"UPDATE stage_change SET way = coalesce((SELECT {listed} FROM"
        " (SELECT DISTINCT e.to_stage AS stage FROM stage_change AS e"
        " WHERE e.lead_id = stage_change.lead_id AND (e.at < stage_change.at"
        " OR (e.at = stage_change.at AND e.id < stage_change.id)) ORDER BY e.to_stage) AS known),"
        " '') || '>' || to_stage"
    )
    op.create_index("ix_stage_change_way", "stage_change", ["way", "at", "lead_id"])
    op.drop_index("ix_stage_change_at", "stage_change")
    op.create_index("ix_lead_source", "lead", ["source"])
    op.create_index("ix_lead_belongs", "lead", ["id", "persona", "source"])
    op.create_index("ix_handover_owner", "handover", ["owner"])


def downgrade() -> None:
    op.drop_index("ix_handover_owner", "handover")
    op.drop_index("ix_lead_belongs", "lead")
    op.drop_index("ix_lead_source", "lead")
    op.create_index("ix_stage_change_at", "stage_change", ["at", "lead_id"])
    op.drop_index("ix_stage_change_way", "stage_change")
    op.drop_column("stage_change", "way")
