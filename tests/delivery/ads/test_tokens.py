"""Tokens that are renewed before they expire."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from nurture.delivery.ads.tokens import GOOGLE_SCOPE, google_service_account, linkedin_refresh
from nurture.domain.errors import Permanent, Transient

URL = "https://tokens.example/token"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Desk:
    """A token endpoint that hands out token-1, token-2 … for an hour each."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.forms.append(form)
        if self.status != 200:
            return httpx.Response(self.status, json={"error": "invalid_grant"})
        token = f"token-{len(self.forms)}"
        return httpx.Response(200, json={"access_token": token, "expires_in": 3600})


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def client(desk: Desk) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(desk))


async def test_a_token_is_kept_until_shortly_before_it_expires(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    clock = [NOON]
    source = linkedin_refresh(client, URL, "id", "hush", "refresh-me", lambda: clock[0])
    assert await source.token() == "token-1"
    clock[0] += timedelta(minutes=58)
    assert await source.token() == "token-1"
    clock[0] += timedelta(minutes=1)
    assert await source.token() == "token-2"
    assert desk.forms[0]["grant_type"] == "refresh_token"
    assert desk.forms[0]["refresh_token"] == "refresh-me"


async def test_many_who_ask_at_once_cause_one_request(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    source = linkedin_refresh(client, URL, "id", "hush", "refresh-me", lambda: NOON)
    assert set(await asyncio.gather(*(source.token() for _ in range(10)))) == {"token-1"}
    assert len(desk.forms) == 1


async def test_a_token_refused_by_the_platform_is_renewed_once(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    source = linkedin_refresh(client, URL, "id", "hush", "refresh-me", lambda: NOON)
    old = await source.token()
    assert source.refused(old)
    assert await source.token() == "token-2"
    assert source.refused(old)
    assert await source.token() == "token-2"


async def test_google_is_asked_with_a_signed_assertion(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"client_email": "robot@project.example", "private_key": pem, "token_uri": URL}
    now = datetime.now(UTC)
    assert await google_service_account(client, account, lambda: now).token() == "token-1"
    (form,) = desk.forms
    claims = jwt.decode(form["assertion"], key.public_key(), algorithms=["RS256"], audience=URL)
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert claims["iss"] == "robot@project.example"
    assert claims["scope"] == GOOGLE_SCOPE
    assert 0 < claims["exp"] - claims["iat"] <= 3600


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Permanent), (401, Permanent), (429, Transient), (503, Transient)]
)
async def test_a_grant_that_is_refused_stops_and_a_busy_desk_is_asked_again(
    desk: Desk, client: httpx.AsyncClient, status: int, kind: type[Exception]
) -> None:
    desk.status = status
    source = linkedin_refresh(client, URL, "id", "hush", "refresh-me", lambda: NOON)
    with pytest.raises(kind) as caught:
        await source.token()
    assert "hush" not in str(caught.value)
    assert "refresh-me" not in str(caught.value)
