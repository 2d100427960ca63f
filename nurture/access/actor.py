"""Whoever asks for something: a colleague who signed in, a program with a token, or this machine's owner."""

from collections.abc import Collection
from dataclasses import dataclass

from nurture.domain.permissions import ALLOWED, Permission, Role
from nurture.store.access_tables import AccountRow, ApiTokenRow

NOBODY = "\x00"
"""The owner of no lead: what a salesperson sees whose account says no name of a team."""


@dataclass(frozen=True)
class Actor:
    """`owner`: only leads given to that salesperson may be seen; None: all of them.

    `account_id` is empty for programs. `language` and `theme` are what the account chose, if it did.
    """

    name: str
    permissions: Collection[Permission]
    owner: str | None = None
    account_id: str = ""
    role: Role | None = None
    language: str = ""
    theme: str = ""

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


def of_account(row: AccountRow) -> Actor:
    role = Role(row.role)
    return Actor(
        name=row.name,
        permissions=ALLOWED[role],
        owner=(row.owner or NOBODY) if role is Role.SALES else None,
        account_id=row.id,
        role=role,
        language=row.language,
        theme=row.theme,
    )


def of_token(row: ApiTokenRow) -> Actor:
    known = frozenset(scope for scope in Permission if scope in row.scopes)
    return Actor(f"token {row.name}", known)


def everything(name: str) -> Actor:
    """The token of the settings, and whoever sits at this machine."""
    return Actor(name, frozenset(Permission) - {Permission.OWN_ACCOUNT})
