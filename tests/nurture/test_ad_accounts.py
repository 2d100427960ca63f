"""Which ad accounts the settings open."""

from datetime import UTC, datetime

import httpx
import pytest

from nurture.ad_accounts import open_accounts, require
from nurture.domain.audience import Audience
from nurture.domain.errors import StartError
from nurture.settings import load


def opened(**settings: str) -> set[str]:
    http = httpx.AsyncClient()
    return set(open_accounts(load(**settings), http, lambda: datetime.now(UTC)))


def test_only_what_is_configured_is_opened() -> None:
    assert opened() == set()
    assert opened(meta_token="t", google_account="1", google_token="t") == {"meta", "google"}
    assert opened(linkedin_token="t") == {"linkedin"}
    assert opened(audience_url="https://a.example", audience_secret="whsec_c2VjcmV0") == {"webhook"}


def test_an_audience_without_an_account_says_what_to_set() -> None:
    with pytest.raises(StartError, match=r"pros is on google.*NURTURE_GOOGLE_ACCOUNT"):
        require([Audience("pros", "Pros", "google", "1")], ["meta"])


@pytest.mark.parametrize("key", ["no json: hunter2", '{"client_email": "hunter2"}'])
def test_a_bad_service_account_key_is_named_and_never_quoted(key: str) -> None:
    with pytest.raises(StartError, match="NURTURE_GOOGLE_KEY") as error:
        opened(google_account="1", google_key=key)
    assert "hunter2" not in str(error.value)
