"""Which ad accounts the settings open."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from nurture.ad_accounts import lacking, open_accounts
from nurture.domain.audience import Audience
from nurture.domain.errors import DeliveryError, StartError
from nurture.settings import load
from tests.support.ads import crowd


def opened(**settings: str) -> set[str]:
    http = httpx.AsyncClient()
    return set(open_accounts(load(**settings), http, lambda: datetime.now(UTC)))


def test_only_what_is_configured_is_opened() -> None:
    assert opened() == set()
    assert opened(meta_token="t", google_account="1", google_token="t") == {"meta", "google"}
    assert opened(linkedin_token="t") == {"linkedin"}
    assert opened(audience_url="https://a.example", audience_secret="whsec_" + "Q0ND" * 8) == {
        "webhook"
    }


def test_an_audience_without_an_account_says_what_to_set() -> None:
    assert lacking([Audience("pros", "Pros", "google", "1")], ["meta"]) == [
        "the audience pros is on google, which is not configured; "
        "set NURTURE_GOOGLE_ACCOUNT and NURTURE_GOOGLE_KEY"
    ]


@pytest.mark.parametrize("key", ["no json: hunter2", '{"client_email": "hunter2"}'])
def test_a_bad_service_account_key_is_named_and_never_quoted(key: str) -> None:
    with pytest.raises(StartError, match="NURTURE_GOOGLE_KEY") as error:
        opened(google_account="1", google_key=key)
    assert "hunter2" not in str(error.value)


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
