"""Who comes in and what is kept of it: accounts, sessions, programs' tokens, the audit log."""

from dataclasses import dataclass

from nurture.access.accounts import Accounts
from nurture.access.api_tokens import ApiTokens
from nurture.access.audit import Audit
from nurture.access.passwords import Passwords
from nurture.access.sessions import Sessions
from nurture.fingerprints import Fingerprints
from nurture.store.database import Database


@dataclass(frozen=True)
class Access:
    """Everything the HTTP room needs of this room."""

    accounts: Accounts
    sessions: Sessions
    tokens: ApiTokens
    audit: Audit


def open_access(
    db: Database, fingerprints: Fingerprints, passwords: Passwords | None = None
) -> Access:
    passwords = passwords or Passwords()
    return Access(
        Accounts(db, passwords),
        Sessions(db, passwords, fingerprints.of),
        ApiTokens(db),
        Audit(db),
    )
