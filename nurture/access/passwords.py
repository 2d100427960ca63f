"""Passwords: argon2id with RFC 9106's parameters for machines with little memory, as argon2-cffi ships them."""

import asyncio
import secrets
from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from nurture.domain.errors import InputError

SHORTEST, LONGEST = 10, 200
_AT_ONCE = 2
"""Each hash takes 64 MB and a core for some 50 ms."""


class Passwords:
    """Hashing and checking, off the event loop and few at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobodys = _nobodys(self._hasher)

    async def hash(self, password: str) -> str:
        """Raises InputError for a password that is too short or too long to be one."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise InputError(f"must have {SHORTEST} to {LONGEST} characters", "password")
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, kept: str, password: str) -> bool:
        """Takes as long for an account that does not exist (`kept` is "") as for one that does."""
        async with self._turn:
            return await asyncio.to_thread(self._verify, kept, password[: LONGEST + 1])

    def is_stale(self, kept: str) -> bool:
        """Whether it was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept or self._nobodys, password) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False


def _nobodys(hasher: PasswordHasher) -> str:
    """What no password hashes to but by chance: as long to check as what `hasher` makes, and made in no time."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, outcome = (
        b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19${cost}${salt}${outcome}"


def invented() -> str:
    """A password nobody has to think of: 96 bits."""
    return secrets.token_urlsafe(12)
