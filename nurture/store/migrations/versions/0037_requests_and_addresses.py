"""What nobody confirmed is found by when it was asked for, and a user id that is an address in capitals by the address.

Revision: 0037, after 0036
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from nurture.store.online import create_index, drop_index

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_TOGETHER = 5_000
_TOLD = ("by_browser", "value", "lead_id")
_ANOTHER = sa.text(
    "INSERT INTO identity (kind, value, lead_id, by_browser)"
    " VALUES ('user', :value, :lead_id, :by_browser) ON CONFLICT DO NOTHING"
)


def upgrade() -> None:
    """Where somebody else goes by that address as a user id, the next message that tells both joins them; an
    export and an erasure look for either."""
    create_index(
        "ix_consent_request_unconfirmed", "consent_request", ("at",), "confirmed_at IS NULL"
    )
    if found := sorted(_in_capitals()):
        op.get_bind().execute(_ANOTHER, [dict(zip(_TOLD, each, strict=True)) for each in found])


def _in_capitals() -> Iterator[tuple[bool, str, str]]:
    """User ids that are addresses, in small letters; databases know those of English alone. Their owners' before
    those that were only lent."""
    name = sa.table(
        "identity", *(sa.column(each) for each in ("kind", "value", "lead_id", "by_browser"))
    )
    known = sa.select(name.c.by_browser, name.c.value, name.c.lead_id).order_by(name.c.value)
    known = known.where(name.c.kind == "user", name.c.value.like("%@%")).limit(_TOGETHER)
    last = ""
    while rows := op.get_bind().execute(known.where(name.c.value > last)).all():
        last = rows[-1].value
        for by_browser, value, lead_id in rows:
            if value != value.lower():
                yield by_browser, value.lower(), lead_id


def downgrade() -> None:
    """The names stay: earlier releases know that somebody may have several."""
    drop_index("ix_consent_request_unconfirmed", "consent_request")
