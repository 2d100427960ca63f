from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

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
