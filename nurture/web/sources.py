"""Who is sending: write keys, and how fast each may send."""

import base64
import binascii
import math
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest

from fastapi import Request
from pydantic import SecretStr

from nurture.access.api_tokens import PREFIX
from nurture.settings import API, Settings, named_keys
from nurture.tokens import hashed
from nurture.web.errors import Refusal


@dataclass(frozen=True)
class Source:
    """A website's key is public, so it is not trusted: it can report, never grant consent."""

    name: str
    trusted: bool
    key: str = field(default="", repr=False)
    """What opened; several may share a name while one takes another's place. Empty: the API token."""


_API = Source(API, trusted=True)
"""Whoever has the API token: a CRM or a help desk."""


class Sources:
    """All keys that are known. In the settings a key may have a name: `website:wk_1, app:wk_2`."""

    def __init__(self, settings: Settings) -> None:
        self._by_hash = {
            **_named(settings.write_keys, trusted=False),
            **_named(settings.server_keys.get_secret_value(), trusted=True),
        }
        self._token = settings.api_token

    def by_key(self, key: str) -> Source | None:
        """Sought by its hash, so that how long it takes tells nothing of a secret one."""
        return self._by_hash.get(hashed(key))

    def by_name(self, name: str) -> Source | None:
        """The name of a key, or that of who came with the API token."""
        every = (*self._by_hash.values(), _API)
        return next((known for known in every if known.name == name), None)

    def of(self, request: Request, body_key: str = "") -> Source:
        """From the Authorization header, the query or the body. Raises Refusal for an unknown key."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and opens(credentials, self._token):
            return _API
        header_key = basic(credentials)[0] if scheme.lower() == "basic" else ""
        key = header_key or request.query_params.get("writeKey", "") or body_key
        source = self.by_key(key)
        if source is None and credentials.startswith(PREFIX):
            problem = "a token of the dashboard opens /api only; use a server key here"
            raise Refusal(401, "unknown_write_key", problem)
        if source is None:
            problem = "this write key is not known" if key else "a write key is needed"
            raise Refusal(401, "unknown_write_key", problem)
        return source


class Limiter:
    """A bucket of requests per key, or form, refilled evenly. One process only: n servers allow n times."""

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._buckets: dict[str, tuple[float, datetime]] = {}

    def check(self, whose: str, now: datetime) -> None:
        """Take one. Raises Refusal with the whole seconds after which there is one again."""
        left, since = self._buckets.get(whose, (self._rate, now))
        left = min(self._rate, left + max(0.0, (now - since).total_seconds()) * self._rate)
        if left < 1:
            wait = str(max(1, math.ceil((1 - left) / self._rate)))
            headers = {"retry-after": wait, "x-ratelimit-reset": wait}
            raise Refusal(429, "too_many_requests", f"try again in {wait} s", headers)
        self._buckets[whose] = (left - 1, now)


def names_a_key(request: Request) -> bool:
    """Whether it says who is sending before its body is read."""
    return "authorization" in request.headers or "writeKey" in request.query_params


def basic(credentials: str) -> tuple[str, str]:
    """User and password of Basic credentials (RFC 7617); old clients leave out the colon."""
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    user, _, password = text.partition(":")
    return user, password


def opens(given: str, tokens: SecretStr) -> bool:
    """Whether it is one of the tokens, which stand separated by blanks: while one takes another's place, both do."""
    return any(matches(given, token) for token in tokens.get_secret_value().split())


def matches(given: str, secret: str) -> bool:
    """Compares in constant time."""
    return compare_digest(given.encode(errors="replace"), secret.encode())


def _named(keys: str, trusted: bool) -> dict[str, Source]:
    return {
        hashed(key): Source(_fingerprint(key) if trusted and name == key else name, trusted, key)
        for key, name in named_keys(keys).items()
    }


def _fingerprint(key: str) -> str:
    """What a secret key without a name goes by: sources are shown in reports, metrics and exports."""
    return f"server-{hashed(key)[:6]}"
