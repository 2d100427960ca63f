"""Signing in through a proxy of ours, with the server's own reading of who calls."""

import httpx
import pytest

from nurture.access.sessions import PER_ADDRESS
from nurture.domain.errors import StartError
from nurture.settings import Settings
from server import listening
from tests.support.house import Browser, House
from tests.support.web import SETTINGS

PROXY = "172.30.77.1"
BEHIND_IT = SETTINGS.model_copy(update={"proxies": "172.30.77.0/24, fd00::/8"})


def caller(
    house: House, who: str, settings: Settings = BEHIND_IT, through: str = PROXY
) -> httpx.AsyncClient:
    """A browser of which the proxy says what every proxy does."""
    config = listening(house.app(), settings)
    config.load()
    transport = httpx.ASGITransport(config.loaded_app, client=(through, 4711))  # type: ignore[arg-type]  # uvicorn has its own types of ASGI
    headers = {"x-forwarded-for": who}
    return httpx.AsyncClient(transport=transport, base_url="https://m.example", headers=headers)


async def guess(client: httpx.AsyncClient, tries: int) -> int:
    """What the last of so many guesses at made-up accounts is answered."""
    browser, status = Browser(client), 0
    for n in range(tries):
        status = (await browser.sign_in(f"nobody{n}@firm.example", "a guess")).status_code
    return status


async def test_strangers_who_guess_do_not_lock_a_colleague_out(house: House) -> None:
    email = await house.person()
    async with caller(house, "203.0.113.66") as stranger:
        assert await guess(stranger, PER_ADDRESS + 1) == 429
    async with caller(house, "198.51.100.7") as colleague:
        assert (await Browser(colleague).sign_in(email)).status_code == 303


async def test_an_address_that_a_caller_makes_up_is_not_believed(house: House) -> None:
    for made_up in ("192.0.2.1", "192.0.2.2"):
        async with caller(house, f"{made_up}, 203.0.113.66") as stranger:
            last = await guess(stranger, PER_ADDRESS // 2 + 1)
    assert last == 429


@pytest.mark.parametrize("proxies", ["", "127.0.0.1"])
async def test_nobody_but_a_named_proxy_says_who_calls(house: House, proxies: str) -> None:
    elsewhere = SETTINGS.model_copy(update={"proxies": proxies})
    for made_up in ("192.0.2.1", "192.0.2.2"):
        async with caller(house, made_up, elsewhere, through="203.0.113.66") as stranger:
            last = await guess(stranger, PER_ADDRESS // 2 + 1)
    assert last == 429


def test_a_proxy_that_is_no_network_is_a_clear_error(house: House) -> None:
    settings = SETTINGS.model_copy(update={"proxies": "nginx"})
    with pytest.raises(StartError, match=r"NURTURE_PROXIES: 'nginx'.*10\.0\.0\.0/8"):
        listening(house.app(), settings)
