"""A strict identity provider (OpenID Connect Core 1.0, RFC 7636): what it is not asked rightly it refuses."""

import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://id.firm.example"
CLIENT, SECRET = "nurture", "the client's secret"
BACK = "https://m.example/sign-in/company/back"


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class IdentityProvider:
    """`claims` are what it says of whoever signs in; `signs_with` may be another key than the published one."""

    claims: dict[str, Any] = field(
        default_factory=lambda: {
            "email": "Anna@firm.example",
            "email_verified": True,
            "name": "Anna",
        }
    )
    key: rsa.RSAPrivateKey = field(default_factory=_key)
    signs_with: Any = None
    algorithm: str = "RS256"
    issuer: str = ISSUER
    down: bool = False
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def authorize(self, url: str) -> str:
        """What a browser does there: the address it is sent back to."""
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{ISSUER}/authorize"
        assert asked["response_type"] == "code"
        assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT, BACK)
        assert {"openid", "email"} <= set(asked["scope"].split())
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["state"]) >= 32
        assert len(asked["nonce"]) >= 32
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return f"{BACK}?code={code}&state={asked['state']}"

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("nobody there", request=request)
        match request.method, request.url.path:
            case "GET", "/.well-known/openid-configuration":
                return httpx.Response(200, json=self._metadata())
            case "GET", "/keys":
                public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key())
                return httpx.Response(
                    200, json={"keys": [{**json.loads(public), "kid": "k1", "use": "sig"}]}
                )
            case "POST", "/token":
                return self._token(request)
            case _:
                return httpx.Response(404)

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _token(self, request: httpx.Request) -> httpx.Response:
        """RFC 6749, 4.1.3 and RFC 7636, 4.6: a code works once, for its client, with its verifier."""
        wanted = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != wanted:
            return httpx.Response(401, json={"error": "invalid_client"})
        told = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        asked = self._codes.pop(told.get("code", ""), None)
        digest = hashlib.sha256(told.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            told.get("grant_type") != "authorization_code"
            or told.get("redirect_uri") != BACK
            or asked is None
            or asked["code_challenge"] != challenge
        ):
            return httpx.Response(400, json={"error": "invalid_grant"})
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": CLIENT, "sub": "s1", "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], **self.claims,
        }  # fmt: skip
        token = jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            self.key if self.signs_with is None else self.signs_with or None,
            algorithm=self.algorithm,
            headers={"kid": "k1"},
        )
        return httpx.Response(
            200, json={"access_token": "a", "token_type": "Bearer", "id_token": token}
        )
