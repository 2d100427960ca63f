import socket
from pathlib import Path

import httpx
import pytest

from embedded import local
from embedded.up import running
from nurture.domain.errors import InputError, StartError
from nurture.settings import Settings
from tests.support.product import at_least, identify


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_lead_in_the_middle_of_its_flow_goes_on_after_a_restart(settings: Settings) -> None:
    async with running(settings) as product, httpx.AsyncClient() as http:
        await identify(http, product)
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
