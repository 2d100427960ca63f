"""What nobody confirmed is found by when it was asked for, and a user id that is an address in capitals by the address.

Revision: 0037, after 0036
"""

from alembic import op

from nurture.store.online import create_index, drop_index

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Where somebody else goes by that address as a user id, the next message that tells both joins them."""
    create_index(
        "ix_consent_request_unconfirmed", "consent_request", ("at",), "confirmed_at IS NULL"
    )
    op.execute(
        "INSERT INTO identity (kind, value, lead_id, by_browser)"
        " SELECT kind, lower(value), lead_id, by_browser FROM identity"
        " WHERE kind = 'user' AND value LIKE '%@%' AND value <> lower(value)"
        " ORDER BY by_browser, value ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    """The names stay: earlier releases know that somebody may have several."""
    drop_index("ix_consent_request_unconfirmed", "consent_request")
