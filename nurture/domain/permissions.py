"""Who may do what: the one table. Roles are for people, scopes for programs; both are sets of permissions."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from nurture.domain.errors import InputError


class Permission(StrEnum):
    """What a route may demand. The value is the scope of an API token; `…:read` changes nothing."""

    FIGURES = "figures:read"
    LEADS = "leads:read"
    EDIT_LEADS = "leads:write"
    ERASE_LEADS = "leads:erase"
    HANDOVERS = "handovers:read"
    HAND_OVER = "handovers:open"
    ANSWER = "handovers:answer"
    REVENUE = "revenue:write"
    FLOWS = "flows:read"
    EDIT_FLOWS = "flows:write"
    MAILS = "mails:read"
    EDIT_MAILS = "mails:write"
    AUDIENCES = "audiences:read"
    EDIT_AUDIENCES = "audiences:write"
    PLAYBOOK = "playbook:read"
    SYSTEM = "system:read"
    EDIT_SYSTEM = "system:write"
    ACCOUNTS = "accounts:write"
    TOKENS = "tokens:write"
    AUDIT = "audit:read"
    OWN_ACCOUNT = "account:write"

    @property
    def changes(self) -> bool:
        """Whether what it allows is kept in the audit log."""
        return not self.endswith(":read")


class Role(StrEnum):
    MARKETING = "marketing"
    SALES = "sales"
    ADMIN = "admin"


_BOTH = {
    Permission.FIGURES,
    Permission.LEADS,
    Permission.HANDOVERS,
    Permission.FLOWS,
    Permission.MAILS,
    Permission.PLAYBOOK,
    Permission.OWN_ACCOUNT,
}

ALLOWED: Mapping[Role, frozenset[Permission]] = {
    Role.MARKETING: frozenset(
        _BOTH
        | {
            Permission.EDIT_LEADS,
            Permission.HAND_OVER,
            Permission.EDIT_FLOWS,
            Permission.EDIT_MAILS,
            Permission.AUDIENCES,
            Permission.EDIT_AUDIENCES,
            Permission.SYSTEM,
        }
    ),
    Role.SALES: frozenset(_BOTH | {Permission.ANSWER, Permission.REVENUE}),
    Role.ADMIN: frozenset(Permission),
}
"""Marketing does not touch revenue. Sales sees the leads it owns: see `nurture.access.actor.Actor.owner`."""

SCOPES = frozenset(Permission) - {Permission.OWN_ACCOUNT}
"""What a token can be given. No program has an account of its own."""


def scopes(names: Iterable[str]) -> frozenset[Permission]:
    """The permissions of those names. Raises InputError for one that no token can have, and for none at all."""
    wanted = set(names)
    unknown = wanted - SCOPES
    if unknown:
        raise InputError(f"{', '.join(sorted(unknown))}: there is no such scope", "scopes")
    if not wanted:
        raise InputError("a token without a scope opens nothing; choose at least one", "scopes")
    return frozenset(map(Permission, wanted))
