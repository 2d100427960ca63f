"""Meta's own SDK against our stand-in: what it sends is taken, and where it is wrong we are right."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import requests
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from embedded.ads.meta import MetaRules
from embedded.ads.platform import AdPlatform
from embedded.ads.standin import StandIn
from nurture.delivery.ads.hashing import sha256
from nurture.delivery.ads.meta import MetaAudiences
from nurture.ports import Portion
from tests.support.ads import SOREN, client_of, crowd

AUDIENCE = "2384"
KEYS = ["EXTERN_ID", "EMAIL"]


@pytest.fixture
async def platform() -> AsyncIterator[AdPlatform]:
    platform = AdPlatform(0, "sdk-token")
    await platform.start()
    yield platform
    await platform.stop()


@pytest.fixture
def api(platform: AdPlatform) -> FacebookAdsApi:
    session = FacebookSession(access_token="sdk-token")
    session.GRAPH = platform.url
    return FacebookAdsApi(session, api_version="v26.0")


def rows(size: int) -> list[list[str]]:
    return [[person.lead_id, person.email or ""] for person in crowd(size)]


async def test_the_sdk_adds_and_removes(platform: AdPlatform, api: FacebookAdsApi) -> None:
    audience = CustomAudience(AUDIENCE, api=api)
    answer = await asyncio.to_thread(audience.add_users, KEYS, rows(3), is_raw=True)
    assert answer.json()["num_received"] == 3
    await asyncio.to_thread(audience.remove_users, KEYS, rows(1), is_raw=True)
    assert platform.meta.members.keys(AUDIENCE) == {"lead-1", "lead-2"}
    assert platform.meta.record.violations == []


async def test_the_sdk_uploads_in_numbered_batches(api: FacebookAdsApi) -> None:
    audience = CustomAudience(AUDIENCE, api=api)

    async def send(seq: int, last: bool) -> Any:
        session = {
            "session_id": 9778993,
            "batch_seq": seq,
            "last_batch_flag": last,
            "estimated_num_total": 4,
        }
        return await asyncio.to_thread(
            audience.add_users, KEYS, rows(2), is_raw=True, session=session
        )

    await send(1, last=False)
    with pytest.raises(FacebookRequestError):
        await send(3, last=False)
    assert (await send(2, last=True)).json()["session_id"] == "9778993"
    with pytest.raises(FacebookRequestError):
        await send(3, last=True)


async def test_the_sdk_replaces_a_list_as_we_do(platform: AdPlatform, api: FacebookAdsApi) -> None:
    audience = CustomAudience(AUDIENCE, api=api)
    await asyncio.to_thread(audience.add_users, KEYS, rows(3), is_raw=True)
    params = CustomAudience.format_params(KEYS, rows(1), is_raw=True)
    params["session"] = {"session_id": 7, "batch_seq": 1, "last_batch_flag": True}
    await asyncio.to_thread(audience.create_users_replace, params=params)
    assert platform.meta.members.keys(AUDIENCE) == {"lead-0"}
    ours = MetaAudiences(client_of(platform.meta), "http://meta", "v26.0", "sdk-token")
    await ours.replace(AUDIENCE, crowd(2), Portion(8, 1, True, 2))
    assert platform.meta.members.keys(AUDIENCE) == {"lead-0", "lead-1"}


async def test_the_sdk_makes_an_audience_and_reads_its_size(
    platform: AdPlatform, api: FacebookAdsApi
) -> None:
    params = {
        "name": "Hesitating",
        "subtype": "CUSTOM",
        "customer_file_source": "USER_PROVIDED_ONLY",
    }
    account = AdAccount("act_1", api=api)
    made = await asyncio.to_thread(account.create_custom_audience, params=params)
    await asyncio.to_thread(made.add_users, KEYS, rows(150), is_raw=True)

    async def low() -> Any:
        read = await asyncio.to_thread(made.api_get, fields=["approximate_count_lower_bound"])
        return read["approximate_count_lower_bound"]

    assert await low() == -1
    platform.meta.forward(3600)
    assert await low() == 100


async def test_what_the_stand_in_refuses_is_an_error_to_the_sdk(api: FacebookAdsApi) -> None:
    audience = CustomAudience("no-number", api=api)
    with pytest.raises(FacebookRequestError) as caught:
        await asyncio.to_thread(audience.add_users, KEYS, rows(1), is_raw=True)
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (100, 33)


async def test_the_sdk_cannot_remove_300_at_once_because_it_puts_them_in_the_url(
    api: FacebookAdsApi,
) -> None:
    audience = CustomAudience(AUDIENCE, api=api)
    with pytest.raises(requests.exceptions.RequestException):
        await asyncio.to_thread(audience.remove_users, KEYS, rows(300), is_raw=True)


async def sent_by_us() -> dict[str, str]:
    meta = StandIn(MetaRules("t"))
    await MetaAudiences(client_of(meta), "http://meta", "v26.0", "t").add(AUDIENCE, [SOREN])
    payload = json.loads(meta.record.requests[-1]["body"])["payload"]
    return dict(zip(payload["schema"], payload["data"][0], strict=True))


def sent_by_the_sdk(key: str, value: str) -> str:
    """What the SDK makes of one clear value."""
    params = CustomAudience.format_params([key], [[value]], is_raw=True)
    return str(params["payload"]["data"][0][0])


async def test_we_and_the_sdk_agree_on_addresses_phones_and_countries() -> None:
    ours = await sent_by_us()
    assert ours["EMAIL"] == sent_by_the_sdk("EMAIL", " Foo.Bar+x@Gmail.COM ")
    assert ours["PHONE"] == sent_by_the_sdk("PHONE", "+45 20 12 34 56")
    assert ours["COUNTRY"] == sent_by_the_sdk("COUNTRY", "DK")
    assert sha256("mary") == sent_by_the_sdk("FN", "Mary")


async def test_the_sdk_is_wrong_about_soren() -> None:
    assert sent_by_the_sdk("FN", "Søren") == sha256("sren")
    assert (await sent_by_us())["FN"] == sha256("søren")
