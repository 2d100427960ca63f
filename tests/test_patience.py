"""A door that is started before what it needs."""

import asyncio
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
import structlog
from pydantic import SecretStr

import server
from nurture import settings
from nurture.access.accounts import Accounts
from nurture.domain.errors import InputError, StartError
from nurture.playbook.source import read_files
from nurture.settings import Settings
from nurture.store import migrate
from nurture.store.database import Database
from nurture.versions.shelf import Shelf
from services import assemble

HERE = Path(__file__).parent.parent

NO_FAMILY = 63
"""Of no kernel: what IPv6 is to one that was made without it."""


def _settings(folder: Path, patience: float) -> Settings:
    return settings.load(
        data_dir=folder,
        playbook_dir=HERE,
        secret_key=SecretStr("secret" * 6),
        sales_secret=SecretStr("whsec_" + "Q0ND" * 10),
        mail_trial=True,
        meta_token=SecretStr("token"),
        patience=patience,
    )


async def test_it_waits_for_the_schema_and_the_playbook(tmp_path: Path) -> None:
    config = _settings(tmp_path, patience=30)
    waits = asyncio.create_task(_opened(config))
    await asyncio.sleep(0)
    db = Database(config.database)
    await migrate.upgrade(db)
    await Shelf(db).apply(read_files(HERE), "test", datetime.now(UTC))
    await db.close()
    assert "welcome" in await waits


async def test_without_patience_it_says_at_once_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="run `nurture db upgrade`"):
        await _opened(_settings(tmp_path, patience=0))


async def test_a_clock_that_cannot_be_read_keeps_a_door_shut(tmp_path: Path) -> None:
    fast = _settings(tmp_path, patience=30).model_copy(update={"pace": "fast"})
    with pytest.raises(InputError, match="NURTURE_PACE: "):
        await _opened(fast)


async def test_a_server_says_that_it_is_ready_when_it_has_its_port(tmp_path: Path) -> None:
    config = _settings(tmp_path, patience=0)
    db = Database(config.database)
    await migrate.upgrade(db)
    await Shelf(db).apply(read_files(HERE), "test", datetime.now(UTC))
    await db.close()
    with socket.create_server(("127.0.0.1", 0)) as taken, structlog.testing.capture_logs() as logs:
        port = taken.getsockname()[1]
        with pytest.raises(StartError) as refused:
            await server.run(config.model_copy(update={"http_port": port}))
    assert str(refused.value) == (
        f"NURTURE_HTTP_PORT: port {port} cannot be used on 127.0.0.1, which NURTURE_HTTP_HOST names:"
        " Address already in use"
    )
    assert "server_ready" not in [line["event"] for line in logs]


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("192.0.2.1", "Cannot assign requested address"),
        ("a..b", "no name of a machine"),
    ],
)
async def test_a_server_listens_on_an_address_of_its_own_machine(host: str, why: str) -> None:
    with pytest.raises(StartError) as refused:
        await server.bound(host, 8080)
    assert str(refused.value).endswith(f"on {host}, which NURTURE_HTTP_HOST names: {why}")


def test_a_server_listens_on_all_addresses_of_a_machine_that_has_no_ipv6() -> None:
    here, elsewhere = (socket.AF_INET, ("127.0.0.1", 0)), (NO_FAMILY, ("::", 0))
    [listener] = server.opened([here, elsewhere])
    with listener:
        assert listener.family is socket.AF_INET
    with pytest.raises(OSError, match="Address family not supported"):
        server.opened([elsewhere])


async def test_without_an_identity_providers_name_for_us_nobody_could_sign_in(
    tmp_path: Path,
) -> None:
    config = _settings(tmp_path, patience=0)
    provider = {"oidc_issuer": "https://id.example"}
    with pytest.raises(StartError) as refused:
        server.company(config.model_copy(update=provider), cast(Accounts, None))
    assert (
        str(refused.value)
        == "NURTURE_OIDC_CLIENT_ID is not set; NURTURE_OIDC_ISSUER knows us by it"
    )


async def _opened(config: Settings) -> list[str]:
    """The flows that it then knows."""
    async with assemble(config, lazy=True) as services, services.db.read() as session:
        return list((await services.shelf.current(session)).flows)
