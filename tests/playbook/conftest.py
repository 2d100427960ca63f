"""The playbook that is shipped, as files, and a small one that a test can break."""

from pathlib import Path

import pytest

from nurture.playbook.source import read_files

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shipped() -> dict[str, str]:
    return read_files(ROOT)
