import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import cli
from embedded import local

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


Nurture = Callable[..., Ended]


@pytest.fixture
def nurture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Nurture]:
    """The command line, on an empty data folder and the repository's playbook."""
    handlers = logging.root.handlers[:]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path / "data"))

    def run(*words: str, **env: str) -> Ended:
        for name, value in {"NURTURE_PLAYBOOK_DIR": str(ROOT), **env}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            cli.main(words)
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    yield run
    logging.root.handlers[:] = handlers


def test_a_playbook_is_checked_applied_and_read_back(nurture: Nurture) -> None:
    checked = nurture("check", "--json")
    assert checked.returncode == 0
    assert "welcome" in json.loads(checked.stdout)["flows"]

    behind = nurture("apply")
    assert behind.returncode == 2
    assert "run `nurture db upgrade`" in behind.stderr

    assert nurture("db", "current").returncode == 1
    assert nurture("db", "upgrade").returncode == 0
    assert nurture("db", "current").returncode == 0
    assert "flow welcome\n  new, with 18 steps" in nurture("plan").stdout
    assert "is in force" in nurture("apply").stdout
    assert nurture("plan").stdout == "nothing would change\n"

    report = nurture("report", "--json")
    assert json.loads(report.stdout)["leads"] == 0
    assert "Leads by stage" in nurture("report").stdout


def test_an_unknown_lead_is_a_sentence_and_no_traceback(nurture: Nurture) -> None:
    for words in (("db", "upgrade"), ("apply",)):
        assert nurture(*words).returncode == 0
    found = nurture("lead", "nobody@firm.dk")
    assert found.returncode == 2
    assert found.stderr == "nurture: nobody@firm.dk: no lead goes by this name\n"


def test_a_setting_that_cannot_be_is_named(nurture: Nurture) -> None:
    found = nurture("up", NURTURE_HTTP_PORT="99999")
    assert found.returncode == 2
    assert "NURTURE_HTTP_PORT" in found.stderr


def test_a_playbook_with_errors_is_told_line_by_line(nurture: Nurture, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "stages.yaml").write_text("visitor: {titel: Visitor}\n")
    found = nurture("check", NURTURE_PLAYBOOK_DIR=str(tmp_path))
    assert found.returncode == 1
    assert "config/stages.yaml:1:" in found.stdout


def test_a_demo_that_cannot_be_played_starts_nothing(nurture: Nurture, tmp_path: Path) -> None:
    found = nurture("demo", "--leads", "nowhere.csv")
    assert found.returncode == 2
    assert "nowhere.csv: cannot be read" in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_word_is_wrong_usage(nurture: Nurture) -> None:
    assert nurture("dance").returncode == 2


def test_a_demo_leaves_a_folder_alone_in_which_another_still_runs(
    nurture: Nurture, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "demo"
    folder.mkdir(parents=True)
    with local.held(folder):
        found = nurture("demo", "--leads", str(ROOT / "examples" / "education-leads.csv"))
    assert found.returncode == 2
    assert "another nurture runs on the data folder" in found.stderr
    assert folder.exists()
