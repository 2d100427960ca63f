"""Colleagues' accounts: added, changed and removed by an administrator or by `nurture users`."""

from datetime import datetime

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils import uuid7

from nurture.access.passwords import Passwords
from nurture.domain.errors import InputError
from nurture.domain.permissions import Role
from nurture.store import access
from nurture.store.access_tables import AccountRow
from nurture.store.database import Database

THEMES = ("", "light", "dark")


class Accounts:
    """Every change but one's own look ends the account's sessions, so that it holds at once."""

    def __init__(self, db: Database, passwords: Passwords) -> None:
        self._db = db
        self._passwords = passwords

    async def all(self) -> list[AccountRow]:
        async with self._db.read() as session:
            return await access.accounts(session)

    async def find(self, name: str) -> AccountRow:
        """By id or e-mail address. Raises InputError when nobody goes by it."""
        async with self._db.read() as session:
            return await _existing(session, name)

    async def add(
        self, email: str, name: str, role: str, owner: str, password: str, now: datetime
    ) -> AccountRow:
        """`password` may be empty for who signs in by the company's own. Raises InputError."""
        row = AccountRow(
            id=str(uuid7()),
            email=_address(email),
            name=name.strip() or email.partition("@")[0],
            role=_role(role),
            owner=owner.strip(),
            password=await self._passwords.hash(password) if password else "",
            created_at=now,
        )
        async with self._db.write() as session:
            if await access.account(session, row.email):
                raise InputError(f"{row.email} has an account already", "email")
            session.add(row)
        return row

    async def change(self, account_id: str, name: str, role: str, owner: str) -> AccountRow:
        """Raises InputError for an unknown account or role, and for the last administrator."""
        async with self._db.write() as session:
            row = await _existing(session, account_id)
            await _keep_an_admin(session, row, Role(_role(role)))
            row.name, row.role, row.owner = name.strip() or row.name, role, owner.strip()
            session.add(row)
            await access.end_sessions(session, row.id)
        return row

    async def set_password(self, name: str, password: str) -> AccountRow:
        """Raises InputError for an unknown account or a password that will not do."""
        hashed = await self._passwords.hash(password)
        async with self._db.write() as session:
            row = await _existing(session, name)
            row.password = hashed
            session.add(row)
            await access.end_sessions(session, row.id)
        return row

    async def replace_password(self, account_id: str, old: str, new: str) -> None:
        """By the person itself. Raises InputError unless `old` is right."""
        row = await self.find(account_id)
        if not await self._passwords.matches(row.password, old):
            raise InputError("is not the one you sign in with", "old")
        await self.set_password(account_id, new)

    async def choose(self, account_id: str, language: str, theme: str) -> None:
        """How the dashboard looks to this account. Raises InputError for an unknown theme."""
        if theme not in THEMES:
            raise InputError("must be light, dark or empty", "theme")
        async with self._db.write() as session:
            row = await _existing(session, account_id)
            row.language, row.theme = language, theme
            session.add(row)

    async def remove(self, name: str) -> AccountRow:
        """Raises InputError for an unknown account, and for the last administrator."""
        async with self._db.write() as session:
            row = await _existing(session, name)
            await _keep_an_admin(session, row, None)
            await access.end_sessions(session, row.id)
            await session.delete(row)
        return row


async def _existing(session: AsyncSession, name: str) -> AccountRow:
    row = await access.account(session, name.strip().lower())
    if row is None:
        raise InputError("there is no such account", "account")
    return row


async def _keep_an_admin(session: AsyncSession, row: AccountRow, becomes: Role | None) -> None:
    """Somebody has to be able to let people in."""
    if row.role != Role.ADMIN or becomes is Role.ADMIN:
        return
    if await access.admins(session) == 1:
        raise InputError("this is the only administrator; make somebody else one first", "role")


def _role(name: str) -> str:
    if name not in list(Role):
        raise InputError(f"must be one of {', '.join(Role)}", "role")
    return name


def _address(email: str) -> str:
    try:
        found = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise InputError("is not an e-mail address", "email") from error
    return found.normalized.lower()
