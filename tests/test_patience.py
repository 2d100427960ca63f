"""A door that is started before what it needs."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from nurture import settings
from nurture.domain.errors import StartError
from nurture.playbook.source import read_files
from nurture.settings import Settings
from nurture.shelf import Shelf
from nurture.store import migrate
from nurture.store.database import Database
from services import assemble

HERE = Path(__file__).parent.parent


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


async def _opened(config: Settings) -> list[str]:
    """The flows that it then knows."""
    async with assemble(config, lazy=True) as services, services.db.read() as session:
        return list((await services.shelf.current(session)).flows)
