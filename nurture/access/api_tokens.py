"""Programs' tokens: made once and shown once, each with its scopes, until they expire or are revoked."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from nurture.access import actor
from nurture.access.actor import Actor
from nurture.domain.errors import InputError
from nurture.domain.permissions import scopes
from nurture.store import access
from nurture.store.access_tables import ApiTokenRow
from nurture.store.database import Database
from nurture.tokens import hashed

PREFIX = "nurture_"
"""By it a secret that was published by mistake is recognised."""

_NOTED = timedelta(minutes=5)


class ApiTokens:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self) -> list[ApiTokenRow]:
        """The newest first, also those that are over."""
        async with self._db.read() as session:
            return await access.tokens(session)

    async def create(
        self,
        name: str,
        wanted: Iterable[str],
        by: str,
        now: datetime,
        lasts: timedelta | None = None,
    ) -> tuple[str, ApiTokenRow]:
        """The secret, which is not kept, and what is. Raises InputError for unknown scopes or no name."""
        if not name.strip():
            raise InputError("say what the token is for", "name")
        secret = PREFIX + secrets.token_urlsafe(32)
        row = ApiTokenRow(
            id=secrets.token_hex(4),
            secret=hashed(secret),
            name=name.strip()[:100],
            scopes=sorted(scopes(wanted)),
            created_by=by,
            created_at=now,
            expires_at=now + lasts if lasts else None,
        )
        async with self._db.write() as session:
            session.add(row)
        return secret, row

    async def revoke(self, token_id: str, now: datetime) -> ApiTokenRow:
        """Raises InputError for an unknown one. Twice is the same as once."""
        async with self._db.write() as session:
            row = await session.get(ApiTokenRow, token_id)
            if row is None:
                raise InputError("there is no such token", "token")
            row.revoked_at = row.revoked_at or now
            session.add(row)
        return row

    async def actor(self, secret: str, now: datetime) -> Actor | None:
        """Whose token it is; None when it is unknown, revoked or expired."""
        if not secret.startswith(PREFIX):
            return None
        async with self._db.read() as session:
            row = await access.token(session, hashed(secret))
        if row is None or row.revoked_at or (row.expires_at and row.expires_at <= now):
            return None
        if row.used_at is None or now - row.used_at > _NOTED:
            async with self._db.write() as session:
                await access.touch_token(session, row.id, now)
        return actor.of_token(row)
