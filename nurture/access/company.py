"""Signing in with the company's own identity provider: OpenID Connect's code flow with PKCE (S256)."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from nurture.access.accounts import Accounts
from nurture.delivery.exchange import answered, whole
from nurture.domain.errors import InputError
from nurture.store.access_tables import AccountRow

_SCOPE = "openid email profile"
_LEEWAY = timedelta(minutes=1)
_PATIENCE = 10.0
"""Seconds for each answer of the provider: somebody waits."""

_MOST = 1024 * 1024
_ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA")
"""Only keys that the provider publishes; a shared secret or no signature at all proves nothing."""


@dataclass(frozen=True)
class Provider:
    """`role` is what somebody gets who has no account yet; "": nobody gets one by signing in."""

    issuer: str
    client_id: str
    client_secret: str
    role: str = ""


@dataclass(frozen=True)
class Pending:
    """What the browser keeps, signed, until it comes back from the provider."""

    state: str
    nonce: str
    verifier: str


class CompanySignIn:
    """Addresses and keys are the provider's own (OpenID Connect Discovery 1.0), asked for on each sign-in."""

    def __init__(
        self,
        provider: Provider,
        accounts: Accounts,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._provider = provider
        self._accounts = accounts
        self._transport = transport

    async def begin(self, back: str) -> tuple[str, Pending]:
        """Where to send the browser. Raises InputError when the provider does not answer."""
        pending = Pending(*(secrets.token_urlsafe(32) for _ in range(3)))
        async with self._client() as client:
            metadata = await self._metadata(client)
        url = prepare_grant_uri(
            metadata["authorization_endpoint"],
            self._provider.client_id,
            "code",
            redirect_uri=back,
            scope=_SCOPE,
            state=pending.state,
            nonce=pending.nonce,
            code_challenge=create_s256_code_challenge(pending.verifier),
            code_challenge_method="S256",
        )
        return str(url), pending

    async def finish(
        self, pending: Pending, told: Mapping[str, str], back: str, now: datetime
    ) -> AccountRow:
        """Whose sign-in it is. Raises InputError when the provider refuses, or does not vouch for an address."""
        if not _same(told.get("state", ""), pending.state):
            raise InputError("this sign-in was not begun here; please try again")
        if "code" not in told:
            raise InputError("the company's sign-in was not completed")
        async with self._client() as client:
            metadata = await self._metadata(client)
            token = await self._exchange(client, metadata, told["code"], pending.verifier, back)
            keys = await _json(client, client.build_request("GET", metadata["jwks_uri"]))
        claims = self._claims(str(token.get("id_token", "")), keys, pending.nonce)
        return await self._account(claims, now)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self._transport, timeout=_PATIENCE)

    async def _metadata(self, client: httpx.AsyncClient) -> dict[str, Any]:
        issuer = self._provider.issuer
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await _json(client, client.build_request("GET", url))
        if found.get("issuer") != issuer:
            raise InputError("the company's sign-in calls itself by another name")
        return found

    async def _exchange(
        self,
        client: httpx.AsyncClient,
        metadata: Mapping[str, Any],
        code: str,
        verifier: str,
        back: str,
    ) -> dict[str, Any]:
        """The code for a token (RFC 6749, 4.1.3; RFC 7636, 4.5), as `client_secret_basic`."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": back,
        }
        asked = client.build_request("POST", metadata["token_endpoint"], data=form)
        auth = httpx.BasicAuth(self._provider.client_id, self._provider.client_secret)
        return await _json(client, asked, auth)

    def _claims(self, id_token: str, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
        """Checked as OpenID Connect Core 1.0, 3.1.3.7 has it."""
        try:
            header = jwt.get_unverified_header(id_token)
            key = jwt.PyJWKSet.from_dict(keys)[header.get("kid", "")]
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self._provider.client_id,
                issuer=self._provider.issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "sub"]},
            )
        except (jwt.PyJWTError, KeyError) as error:
            raise InputError("the company's sign-in sent a proof that does not hold") from error
        if not _same(str(claims.get("nonce", "")), nonce):
            raise InputError("the company's sign-in sent a proof that does not hold")
        return claims

    async def _account(self, claims: dict[str, Any], now: datetime) -> AccountRow:
        email = str(claims.get("email", "")).strip().lower()
        if not email or claims.get("email_verified") is not True:
            raise InputError("the company's sign-in does not vouch for an e-mail address")
        known = [row for row in await self._accounts.all() if row.email == email]
        if known:
            return known[0]
        if not self._provider.role:
            raise InputError("you have no account here; ask an administrator for one")
        name = str(claims.get("name", ""))
        return await self._accounts.add(email, name, self._provider.role, "", "", now)


def _same(given: str, ours: str) -> bool:
    """Compares in constant time; what comes from outside may hold any character."""
    return secrets.compare_digest(given.encode(errors="replace"), ours.encode())


async def _json(
    client: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth | None = None
) -> dict[str, Any]:
    """The answer's object. Raises InputError, which says whether asking again may help."""
    try:
        answer = await whole(client, request, _PATIENCE, _MOST, auth)
        found = answered(answer)
    except (TimeoutError, httpx.HTTPError, ValueError) as error:
        raise InputError("the company's sign-in does not answer; please try again") from error
    if answer.is_client_error or not isinstance(found, dict):
        raise InputError("the company's sign-in was not completed")
    if not answer.is_success:
        raise InputError("the company's sign-in does not answer; please try again")
    return found
