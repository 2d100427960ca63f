"""The ad platforms' stand-in as a running server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from embedded.ads.members import Members
from embedded.ads.platform import AdPlatform
from nurture.delivery.ads.meta import MetaAudiences
from nurture.domain.errors import StartError, Transient
from tests.support.ads import crowd


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[AdPlatform]:
    platform = AdPlatform(0, "local-token", tmp_path)
    await platform.start()
    yield platform
    await platform.stop()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=5) as client:
        yield client


async def test_it_says_in_words_that_it_is_a_stand_in(
    platform: AdPlatform, client: httpx.AsyncClient
) -> None:
    meta = MetaAudiences(client, platform.url, "v26.0", "local-token")
    await meta.add("2384001", crowd(3))
    page = await client.get(platform.url)
    assert "nothing leaves this machine" in page.text
    assert "<td>2384001</td><td>3</td>" in page.text


async def test_each_platform_has_its_own_page_and_state(
    platform: AdPlatform, client: httpx.AsyncClient
) -> None:
    for name, below in (("Google", "/google"), ("LinkedIn", "/linkedin")):
        page = await client.get(f"{platform.url}{below}")
        assert f"Local stand-in for {name}" in page.text
        assert f'href="{below}/__fake/state"' in page.text
        state = await client.get(f"{platform.url}{below}/__fake/state")
        assert state.json()["platform"] == name


async def test_a_restart_keeps_the_members(client: httpx.AsyncClient, tmp_path: Path) -> None:
    first = AdPlatform(0, "local-token", tmp_path)
    await first.start()
    meta = MetaAudiences(client, first.url, "v26.0", "local-token")
    await meta.add("1", crowd(5))
    await meta.remove("1", crowd(2))
    await first.stop()
    again = AdPlatform(0, "local-token", tmp_path)
    assert again.meta.members.keys("1") == {"lead-2", "lead-3", "lead-4"}


def test_a_line_torn_by_a_crash_is_forgotten(tmp_path: Path) -> None:
    journal = tmp_path / "ads.jsonl"
    Members(journal).change("1", add=[("EMAIL:a",)])
    with journal.open("a") as file:
        file.write('["1",[["EMAIL:b"')
    torn = Members(journal)
    assert torn.keys("1") == {"a"}
    torn.change("1", add=[("EMAIL:c",)])
    assert Members(journal).keys("1") == {"a", "c"}


async def test_a_taken_port_names_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=r"NURTURE_ADS_PORT") as caught:
            await AdPlatform(port, "t").start()
    assert str(port) in str(caught.value)


async def test_a_connection_really_breaks(platform: AdPlatform, client: httpx.AsyncClient) -> None:
    faults = [{"kind": "reset_after"}]
    await client.post(f"{platform.url}/__fake/faults", json=faults)
    meta = MetaAudiences(client, platform.url, "v26.0", "local-token")
    with pytest.raises(Transient, match="no_answer"):
        await meta.add("1", crowd(1))
    state = (await client.get(f"{platform.url}/__fake/state")).json()
    assert state["audiences"]["1"]["members"] == 1


async def test_the_state_shows_no_token(platform: AdPlatform, client: httpx.AsyncClient) -> None:
    await MetaAudiences(client, platform.url, "v26.0", "local-token").add("1", crowd(1))
    state = await client.get(f"{platform.url}/__fake/state")
    assert "local-token" not in state.text
    assert state.json()["requests"][0]["status"] == 200


async def test_stopping_frees_the_port(client: httpx.AsyncClient) -> None:
    platform = AdPlatform(0, "t")
    await platform.start()
    port = int(platform.url.rpartition(":")[2])
    await platform.stop()
    again = AdPlatform(port, "t")
    await asyncio.wait_for(again.start(), 5)
    await again.stop()
