"""The grade of a lead; consents that wait for their confirmation, and what confirmed a consent

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

from nurture.store.columns import Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lead", sa.Column("grade", sa.String(), nullable=False, server_default=""))
    op.add_column("consent", sa.Column("proof", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "consent_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("wording", sa.String(), nullable=False),
        sa.Column("confirmed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_consent_request_lead_id", "consent_request", ["lead_id"])


def downgrade() -> None:
    op.drop_table("consent_request")
    op.drop_column("consent", "proof")
    op.drop_column("lead", "grade")
