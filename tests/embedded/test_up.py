import asyncio
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from embedded import local
from embedded.up import Running, running
from nurture.domain.errors import InputError, StartError
from nurture.settings import Settings
from tests.support.ports import free_ports

ROOT = Path(__file__).parents[2]
PORTS = ("http", "smtp", "inbox", "sales", "ads", "temporal", "temporal_ui")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A product of its own: an empty folder, free ports, the repository's playbook, a fast clock."""
    found = zip(PORTS, free_ports(len(PORTS)), strict=True)
    ports: dict[str, Any] = {f"{name}_port": port for name, port in found}
    return Settings(
        data_dir=tmp_path / "data",
        playbook_dir=ROOT,
        pace="1 day = 1 s",
        server_keys=SecretStr("website:key"),
        **ports,
    )


def someone() -> dict[str, Any]:
    return {
        "type": "identify",
        "userId": "bo",
        "traits": {"email": "bo@firm.example", "firstName": "Bo"},
        "context": {"consent": {"categoryPreferences": {"email_marketing": True}}},
    }


async def arrived(http: httpx.AsyncClient, product: Running) -> list[dict[str, Any]]:
    answer = await http.get(f"{product.addresses['inbox']}/api/mails")
    found: list[dict[str, Any]] = answer.json()["mails"]
    return found


async def at_least(count: int, http: httpx.AsyncClient, product: Running) -> list[dict[str, Any]]:
    """The mails in the inbox, once there are so many."""
    async with asyncio.timeout(60):
        while True:
            found = await arrived(http, product)
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_lead_in_the_middle_of_its_flow_goes_on_after_a_restart(settings: Settings) -> None:
    async with running(settings) as product, httpx.AsyncClient() as http:
        answer = await http.post(
            f"{product.addresses['dashboard']}/v1/batch",
            json={"batch": [someone()]},
            auth=httpx.BasicAuth("key", ""),
        )
        assert answer.json()["accepted"] == 1
        await at_least(1, http, product)
    async with running(settings) as product, httpx.AsyncClient() as http:
        found = await at_least(2, http, product)
    assert {mail["to"] for mail in found} == {"bo@firm.example"}
    assert len({mail["subject"] for mail in found}) == len(found)


async def test_a_taken_port_starts_nothing(settings: Settings) -> None:
    with (
        socket.create_server((local.HOST, settings.sales_port)),
        pytest.raises(StartError, match=f"NURTURE_SALES_PORT: port {settings.sales_port} is taken"),
    ):
        async with running(settings):
            pytest.fail("it must not start")
    assert not (settings.data_dir / "nurture.db").exists()


async def test_a_folder_has_one_owner_at_a_time(settings: Settings) -> None:
    prepared = local.prepare(settings)
    with local.held(prepared.data_dir), pytest.raises(StartError, match="another nurture runs"):
        async with running(settings):
            pytest.fail("it must not start")


async def test_without_a_playbook_nothing_starts(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the folder config/ is missing"):
        async with running(settings.model_copy(update={"playbook_dir": tmp_path})):
            pytest.fail("it must not start")
