"""The way of a lead in each of its stage changes, by which figures are counted; words to find leads by

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Json, Letters
from nurture.store.words import NAMED_BY, words

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TOGETHER = 5_000
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
    op.create_table(
        "lead_word",
        sa.Column("word", Letters, nullable=False),
        sa.Column("lead_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("word", "lead_id"),
    )
    op.create_index("ix_lead_word_lead_id", "lead_word", ["lead_id"])
    op.create_index("ix_lead_source", "lead", ["source"])
    op.create_index("ix_lead_belongs", "lead", ["id", "persona", "source"])
    op.create_index("ix_handover_owner", "handover", ["owner"])
    _write_words()  # last: PostgreSQL makes no index where a deferred reference is still to be checked


def _write_words() -> None:
    """Of every lead that is known by name, some thousands at a time."""
    lead = sa.table("lead", sa.column("id"), sa.column("email"), sa.column("traits", Json))
    word = sa.table("lead_word", sa.column("word"), sa.column("lead_id"))
    known = sa.select(lead.c.id, lead.c.email, lead.c.traits).order_by(lead.c.id).limit(_TOGETHER)
    last = ""
    while rows := op.get_bind().execute(known.where(lead.c.id > last)).all():
        last = rows[-1].id
        found = [
            {"word": each, "lead_id": row.id}
            for row in rows
            for each in words(row.email, *(row.traits.get(name) for name in NAMED_BY))
        ]
        if found:
            op.get_bind().execute(sa.insert(word), found)


def downgrade() -> None:
    op.drop_index("ix_handover_owner", "handover")
    op.drop_index("ix_lead_belongs", "lead")
    op.drop_index("ix_lead_source", "lead")
    op.drop_table("lead_word")
    op.create_index("ix_stage_change_at", "stage_change", ["at", "lead_id"])
    op.drop_index("ix_stage_change_way", "stage_change")
    op.drop_column("stage_change", "way")
