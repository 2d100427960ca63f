"""Access tokens: fixed ones, and ones that OAuth 2 renews before they expire.

Sources: RFC 6749 section 6 and RFC 7523; Google, OAuth 2.0 for server to server applications;
LinkedIn, refresh tokens with OAuth 2.0.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import httpx
import jwt

from nurture.delivery.ads.http import content, post_form
from nurture.domain.errors import Permanent, Transient

GOOGLE_SCOPE = "https://www.googleapis.com/auth/datamanager"
_EARLY = timedelta(minutes=1)
_ASSERTION = timedelta(minutes=10)


class TokenSource(Protocol):
    async def token(self) -> str:
        """A token believed to be valid. Raises Permanent or Transient when none can be had."""
        ...

    def refused(self, token: str) -> bool:
        """The platform did not take this one; whether the next call of `token` gives another."""
        ...


class FixedToken:
    """A token made by hand, such as that of a Meta system user."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    def refused(self, token: str) -> bool:
        return False


class RenewedToken:
    """Asks `url` for a token with the form that `grant` fills in, and keeps it until it expires."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        grant: Callable[[], Mapping[str, str]],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._url = url
        self._grant = grant
        self._now = now
        self._lock = asyncio.Lock()
        self._token = ""
        self._until: datetime | None = None

    async def token(self) -> str:
        async with self._lock:
            if self._until is None or self._now() >= self._until:
                await self._renew()
            return self._token

    def refused(self, token: str) -> bool:
        if token == self._token:
            self._until = None
        return True

    async def _renew(self) -> None:
        asked = self._now()
        response = await post_form(self._client, self._url, self._grant())
        if response.status_code == 429 or response.status_code >= 500:
            raise Transient("token_not_renewed", f"HTTP {response.status_code}")
        answer = content(response)
        if not response.is_success or not answer.get("access_token"):
            raise Permanent("token_refused", f"HTTP {response.status_code}")
        self._token = answer["access_token"]
        self._until = asked + timedelta(seconds=int(answer.get("expires_in", 3600))) - _EARLY


def google_service_account(
    client: httpx.AsyncClient, key: Mapping[str, str], now: Callable[[], datetime]
) -> RenewedToken:
    """`key` is the JSON key file of a service account: client_email, private_key, token_uri."""

    def grant() -> Mapping[str, str]:
        claims = {
            "iss": key["client_email"],
            "scope": GOOGLE_SCOPE,
            "aud": key["token_uri"],
            "iat": now(),
            "exp": now() + _ASSERTION,
        }
        return {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": jwt.encode(claims, key["private_key"], algorithm="RS256"),
        }

    return RenewedToken(client, key["token_uri"], grant, now)


def linkedin_refresh(
    client: httpx.AsyncClient,
    url: str,
    client_id: str,
    client_secret: str,
    refresh_token: str,
    now: Callable[[], datetime],
) -> RenewedToken:
    """`url` is https://www.linkedin.com/oauth/v2/accessToken; a refresh token lives a year."""
    grant = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": client_id,
        "client_secret": client_secret,
    }
    return RenewedToken(client, url, lambda: grant, now)
