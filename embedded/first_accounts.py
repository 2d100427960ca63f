"""Somebody who can sign in to a product on this machine, with a password kept in the data folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nurture.access.accounts import Accounts
from nurture.access.passwords import Passwords, invented
from nurture.domain.permissions import Role
from nurture.store.database import Database

_FILE = "sign-in.json"


@dataclass(frozen=True)
class Person:
    """`owner`: the name under which sales gets leads."""

    email: str
    name: str
    role: Role
    owner: str = ""


ADMIN = Person("admin@nurture.test", "Admin", Role.ADMIN)


async def ensure(
    db: Database, data_dir: Path, people: Sequence[Person], now: datetime
) -> dict[str, str]:
    """Where nobody has an account yet, these get one. Returns the passwords by address that still hold."""
    passwords = Passwords()
    accounts = Accounts(db, passwords)
    if not await accounts.all():
        made = {person.email: invented() for person in people}
        _keep(data_dir / _FILE, made)
        for each in people:
            await accounts.add(each.email, each.name, each.role, each.owner, made[each.email], now)
        return made
    kept = _kept(data_dir / _FILE)
    rows = {row.email: row for row in await accounts.all()}
    return {
        email: password
        for email, password in kept.items()
        if email in rows and await passwords.matches(rows[email].password, password)
    }


def _keep(file: Path, made: dict[str, str]) -> None:
    """Readable by the owner alone."""
    file.touch(mode=0o600)
    file.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


def _kept(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return found
