"""No call leads into our own network unless the operator says so."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpcore
import httpx
import pytest

from nurture.delivery import outward
from nurture.delivery.outward import Guard
from nurture.domain.errors import StartError, Transient
from nurture.settings import networks

INNER = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "::1",
    "fd00::1",
    "fe80::1%eth0",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "fec0::1",
    "3fff::1",
    "5f00::1",
    "100:0:0:1::1",
    "4000::1",
    "192.0.0.8",
    "192.88.99.1",
    "2002:c058:6301::",
]


class Opened:
    """Remembers where it was asked to connect; the addresses in `dead` do not answer."""

    def __init__(self, dead: Sequence[str] = ()) -> None:
        self.to: list[str] = []
        self._dead = dead

    async def connect_tcp(self, host: str, port: int, **options: Any) -> str:
        self.to.append(host)
        if host in self._dead:
            raise httpcore.ConnectError(host)
        return f"{host}:{port}"


def guard(opened: Opened, *answers: Sequence[str], allowed: str = "") -> Guard:
    told = iter(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(told)

    return Guard(networks("NURTURE_PRIVATE_NETWORKS", allowed), resolve, opened)


@pytest.mark.parametrize("address", INNER)
async def test_an_inner_address_is_not_called(address: str) -> None:
    opened = Opened()
    with pytest.raises(Transient, match="NURTURE_PRIVATE_NETWORKS"):
        await guard(opened, [address]).connect_tcp("hook.example", 443)
    assert opened.to == []


async def test_a_name_with_one_inner_address_among_others_is_not_called() -> None:
    opened = Opened()
    with pytest.raises(Transient, match="private_address"):
        await guard(opened, ["93.184.215.14", "10.0.0.1"]).connect_tcp("hook.example", 443)
    assert opened.to == []


async def test_the_address_that_was_checked_is_the_one_called() -> None:
    """The second answer of a rebinding name is never asked for."""
    opened = Opened()
    await guard(opened, ["93.184.215.14"], ["127.0.0.1"]).connect_tcp("hook.example", 443)
    assert opened.to == ["93.184.215.14"]


async def test_an_allowed_network_is_called() -> None:
    opened = Opened()
    made = await guard(opened, ["10.1.2.3"], allowed="10.1.0.0/16, fd00::/8").connect_tcp("crm", 80)
    assert made == "10.1.2.3:80"


async def test_localhost_is_called_where_both_its_addresses_are_allowed() -> None:
    both, allowed = ["::1", "127.0.0.1"], "127.0.0.0/8, ::1/128"
    assert await guard(Opened(), both, allowed=allowed).connect_tcp("localhost", 80) == "::1:80"


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    opened = Opened(dead=["93.184.215.14"])
    made = await guard(opened, ["93.184.215.14", "93.184.215.15"]).connect_tcp("hook.example", 443)
    assert made == "93.184.215.15:443"


@pytest.mark.parametrize("address", ["93.184.215.14", "64:ff9b::5db8:d70e", "2606:2800:21f::1"])
async def test_a_public_address_is_called(address: str) -> None:
    opened = Opened()
    await guard(opened, [address]).connect_tcp("hook.example", 443)
    assert opened.to == [address]


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "localhost"])
@pytest.mark.parametrize(
    "proxies",
    [
        {},
        {"no_proxy": "localhost"},
        {"https_proxy": "http://proxy.example:3128"},
        {"all_proxy": "http://proxy.example:3128", "no_proxy": "*"},
    ],
    ids=["none", "only exceptions", "for other calls", "for none"],
)
async def test_what_no_proxy_calls_for_us_is_guarded(
    monkeypatch: pytest.MonkeyPatch, host: str, proxies: dict[str, str]
) -> None:
    environment(monkeypatch, proxies)
    async with httpx.AsyncClient(transport=outward.transport(())) as client:
        with pytest.raises(Transient, match="private_address"):
            await client.get(f"http://{host}:9/")


async def test_a_call_goes_through_the_proxy_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    environment(monkeypatch, {"http_proxy": f"http://127.0.0.1:{unused_tcp_port}"})
    async with (
        await asyncio.start_server(answer, "127.0.0.1", unused_tcp_port),
        httpx.AsyncClient(transport=outward.transport(())) as client,
    ):
        assert (await client.get("http://hook.example/in")).status_code == 204
    assert asked == [b"GET http://hook.example/in HTTP/1.1\r\n"]


@pytest.mark.parametrize("host", ["hooks..example", ".example", f"{'a' * 64}.example"])
async def test_what_is_no_name_has_no_address(host: str) -> None:
    async with httpx.AsyncClient(transport=outward.transport(())) as client:
        with pytest.raises(httpx.ConnectError, match="has no address"):
            await client.get(f"https://{host}/")


def environment(monkeypatch: pytest.MonkeyPatch, proxies: dict[str, str]) -> None:
    """These proxies and no others."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)


def test_a_network_that_is_none_is_a_clear_error() -> None:
    with pytest.raises(StartError, match=r"NURTURE_PRIVATE_NETWORKS.*10\.0\.0\.0/8"):
        networks("NURTURE_PRIVATE_NETWORKS", "intranet")
