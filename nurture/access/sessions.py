"""Signing in and out. A session lives in the database; the browser holds a random secret that names it."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from nurture.access import actor
from nurture.access.actor import Actor
from nurture.access.passwords import Passwords
from nurture.domain.errors import InputError
from nurture.store import access
from nurture.store.access_tables import AccountRow, AttemptRow, SessionRow
from nurture.store.database import Database
from nurture.tokens import hashed

IDLE = timedelta(hours=12)
"""After so long without a request it is over: one signs in once a working day."""

LONGEST = timedelta(days=7)
WINDOW = timedelta(minutes=15)
PER_PAIR, PER_ACCOUNT, PER_ADDRESS = 5, 20, 30
"""Failed attempts within WINDOW: on one account from one address, on one account, from one address. A stranger
cannot lock somebody out from elsewhere with five guesses, and an office may share an address."""

_NOTED = timedelta(minutes=5)
"""How exactly the last request is known: not every page view writes."""


class TooMany(InputError):
    """Too many failed attempts; again after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("too many failed attempts")
        self.wait = wait


class Sessions:
    """`fingerprint` makes a name unreadable: failed attempts are counted, not who tried."""

    def __init__(
        self, db: Database, passwords: Passwords, fingerprint: Callable[[str], str]
    ) -> None:
        self._db = db
        self._passwords = passwords
        self._fingerprint = fingerprint

    async def sign_in(
        self, email: str, password: str, address: str, now: datetime
    ) -> tuple[str, AccountRow] | None:
        """The session's secret and whose it is; None for a wrong name or password, which look alike.

        Raises TooMany before the password is looked at.
        """
        email = email.strip().lower()
        attempts = await self._attempt(email, address, now)
        async with self._db.read() as session:
            row = await access.account(session, email) if "@" in email else None
        if not await self._passwords.matches(row.password if row else "", password) or not row:
            return None
        stale = self._passwords.is_stale(row.password)
        fresh = await self._passwords.hash(password) if stale else ""
        async with self._db.write() as session:
            await access.forget_attempts(session, attempts, now - WINDOW)
        return await self.open(row, now, fresh), row

    async def open(self, row: AccountRow, now: datetime, password: str = "") -> str:
        """A session for somebody who has proved who it is; its secret. `password`: a fresher hash."""
        secret = secrets.token_urlsafe(32)
        async with self._db.write() as session:
            session.add(
                SessionRow(id=hashed(secret), account_id=row.id, created_at=now, seen_at=now)
            )
            await access.seen(session, row.id, now, password)
            await access.end_old_sessions(session, now - IDLE, now - LONGEST)
        return secret

    async def actor(self, secret: str, now: datetime) -> Actor | None:
        """Who holds the session, as the account is now; None once it is over."""
        async with self._db.read() as session:
            found = await access.session(session, hashed(secret))
        if found is None:
            return None
        kept, row = found
        if now - kept.seen_at > IDLE or now - kept.created_at > LONGEST:
            return None
        if now - kept.seen_at > _NOTED:
            async with self._db.write() as session:
                await access.touch_session(session, kept.id, now)
        return actor.of_account(row)

    async def end(self, secret: str) -> None:
        async with self._db.write() as session:
            await access.end_session(session, hashed(secret))

    async def _attempt(self, email: str, address: str, now: datetime) -> list[AttemptRow]:
        """Noted before it is made, so that many at once count as many. Raises TooMany."""
        limits = {
            f"pair/{email}/{address}": PER_PAIR,
            f"account/{email}": PER_ACCOUNT,
            f"address/{address}": PER_ADDRESS,
        }
        rows = [AttemptRow(key=self._fingerprint(name), at=now) for name in limits]
        async with self._db.write() as session:
            for row, limit in zip(rows, limits.values(), strict=True):
                at = await access.nth_attempt(session, row.key, limit, now - WINDOW)
                if at is not None:
                    raise TooMany(at + WINDOW - now)
            session.add_all(rows)
        return rows
