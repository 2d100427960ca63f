"""What nobody confirmed is found by when it was asked for.

Revision: 0038, after 0034
"""

from nurture.store.online import create_index, drop_index

revision = "0038"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index(
        "ix_consent_request_unconfirmed", "consent_request", ("at",), "confirmed_at IS NULL"
    )


def downgrade() -> None:
    drop_index("ix_consent_request_unconfirmed", "consent_request")
