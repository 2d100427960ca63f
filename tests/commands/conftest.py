import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import cli
from tests.support.command import Ended, Nurture

ROOT = Path(__file__).parents[2]


@pytest.fixture
def nurture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Nurture]:
    """The command line, on an empty data folder and the repository's playbook."""
    handlers = logging.root.handlers[:]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NURTURE_META_TOKEN", "what-the-audiences-of-the-playbook-need")

    def run(*words: str, **env: str) -> Ended:
        for name, value in {"NURTURE_PLAYBOOK_DIR": str(ROOT), **env}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            cli.main(words)
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    yield run
    logging.root.handlers[:] = handlers
