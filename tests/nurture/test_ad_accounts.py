"""Which ad accounts the settings open."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nurture.audiences.ad_accounts import lacking, open_accounts
from nurture.domain.audience import Audience
from nurture.domain.errors import DeliveryError, StartError
from nurture.settings import load
from tests.support.ads import crowd

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key.private_bytes(*form).decode()


RSA = pem(rsa.generate_private_key(65537, 2048))
ELLIPTIC = pem(ec.generate_private_key(ec.SECP256R1()))


def opened(**settings: str) -> set[str]:
    http = httpx.AsyncClient()
    return set(open_accounts(load(**settings), http, lambda: datetime.now(UTC)))


def test_only_what_is_configured_is_opened() -> None:
    assert opened() == set()
    assert opened(meta_token="t", google_account="1", google_token="t") == {"meta", "google"}
    assert opened(linkedin_token="t") == {"linkedin"}
    assert opened(audience_url="https://a.example", audience_secret=SECRET) == {"webhook"}
    assert opened(audience_url="https://a.example") == set()
    assert opened(linkedin_refresh_token="t") == set()


def test_an_audience_without_an_account_says_what_to_set() -> None:
    assert lacking([Audience("pros", "Pros", "google", "1")], ["meta"]) == [
        "the audience pros is on google, which is not configured; "
        "set NURTURE_GOOGLE_ACCOUNT and NURTURE_GOOGLE_KEY"
    ]


def key_file(**changes: str) -> str:
    told = {
        "client_email": "a@b.example",
        "token_uri": "https://t.example",
        "private_key": "hunter2",
    }
    return json.dumps(told | changes)


@pytest.mark.parametrize(
    "key",
    [
        "no json: hunter2",
        '{"client_email": "hunter2"}',
        "5",
        '"client_email private_key token_uri hunter2"',
        key_file(),
        key_file(private_key=ELLIPTIC),
    ],
)
def test_a_bad_service_account_key_is_named_and_never_quoted(key: str) -> None:
    with pytest.raises(StartError, match="NURTURE_GOOGLE_KEY") as error:
        opened(google_account="1", google_key=key)
    assert "hunter2" not in str(error.value)


NO_KEY = "its private_key is no RSA key in PEM; use the service account's key file as it is"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"meta_token": "tøken"},
            "NURTURE_META_TOKEN holds characters that no token has; copy it anew",
        ),
        (
            {"google_account": "1", "google_token": "t\nt"},
            "NURTURE_GOOGLE_TOKEN holds characters that no token has; copy it anew",
        ),
        (
            {"linkedin_token": "t t"},
            "NURTURE_LINKEDIN_TOKEN holds characters that no token has; copy it anew",
        ),
        ({"google_account": "1", "google_key": key_file()}, f"NURTURE_GOOGLE_KEY: {NO_KEY}"),
        (
            {"audience_url": "https://a.example", "audience_secret": "foo"},
            "NURTURE_AUDIENCE_SECRET: a webhook secret is not base64",
        ),
        (
            {"google_account": "1", "google_key": key_file(private_key=RSA, token_uri="t")},
            "NURTURE_GOOGLE_KEY: its token_uri must begin with https:// and a host",
        ),
        (
            {
                "google_account": "1",
                "google_key": key_file(private_key=RSA, token_uri="https://a:x"),
            },
            "NURTURE_GOOGLE_KEY: its token_uri is not an address",
        ),
    ],
)
def test_a_secret_that_cannot_work_is_named_before_anything_begins(
    given: dict[str, str], told: str
) -> None:
    with pytest.raises(StartError) as error:
        opened(**given)
    assert str(error.value) == told


@pytest.mark.parametrize(
    ("platform", "secrets", "more"),
    [
        ("meta", ["meta_token", "meta_app_secret"], {}),
        ("google", ["google_token"], {"google_account": "1"}),
        (
            "linkedin",
            ["linkedin_refresh_token", "linkedin_client_secret"],
            {"linkedin_client_id": "id"},
        ),
    ],
)
async def test_a_secret_from_a_file_reaches_the_platform_and_no_log_and_no_error(
    platform: str,
    secrets: list[str],
    more: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    sent = []

    def echo(request: httpx.Request) -> httpx.Response:
        """Refuses, and says aloud what it was told."""
        sent.append(f"{request.headers.raw} {request.content.decode()}")
        return httpx.Response(401, json={"error": {"code": 190, "message": sent[-1]}})

    for name in secrets:
        (tmp_path / name).write_text(f"hunter2-{name}\n")
        monkeypatch.setenv(f"NURTURE_{name.upper()}_FILE", str(tmp_path / name))
    settings = load(**more)
    http = httpx.AsyncClient(transport=httpx.MockTransport(echo))
    sink = open_accounts(settings, http, lambda: datetime.now(UTC))[platform]
    with pytest.raises(DeliveryError) as error:
        await sink.add("1", crowd(1))
    assert f"hunter2-{secrets[0]}" in sent[0]
    assert "hunter2" not in f"{error.value!r} {caplog.text} {settings!r}"
