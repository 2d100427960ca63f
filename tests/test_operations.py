"""What the docs say to do by hand is done here, or at least names what is there."""

import asyncio
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from nurture.playbook.source import read_files
from nurture.store.database import Database
from nurture.versions.shelf import Shelf
from tests.support.deploy import DEPLOY, OPERATIONS, ROOT, load
from tests.support.domain import NOW

OPTIONS = r"(?: +(?:-T|--no-deps|(?:--entrypoint|--user|-v|-e) \S+))*"
DEPLOYMENTS = {"nurture-server", "nurture-worker", "temporal-admintools"}
"""In Kubernetes: ours, and one of Temporal's own chart."""


@pytest.mark.parametrize("path", [DEPLOY / "README.md", OPERATIONS], ids=lambda path: path.name)
def test_what_the_docs_say_to_do_names_files_and_services_that_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("\\\n", "")
    told = "".join(re.findall(r"(?ms)^```sh$.*?^```$|`[^`\n]+`", text))
    for file in re.findall(r"(?<![\w/])deploy/[\w./*-]*\w", told):
        assert list(ROOT.glob(file)), file
    [compose] = load(DEPLOY / "compose" / "compose.yaml")
    named = re.findall(rf"docker compose (?:exec|logs|run --rm){OPTIONS} +([\w-]+)", told)
    assert named
    assert set(named) <= set(compose["services"])
    assert set(re.findall(r"deployment/([\w-]+)", told)) <= DEPLOYMENTS


async def test_a_copy_that_is_made_while_all_runs_has_what_is_not_in_the_file_yet(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """The docs' line for SQLite; the file alone lacks it."""
    [line] = re.findall(r"(?m)^python3 -c .*$", OPERATIONS.read_text(encoding="utf-8"))
    (tmp_path / ".nurture").mkdir()
    file = Path(shutil.copy(sqlite_template, tmp_path / ".nurture" / "nurture.db"))
    db = Database(f"sqlite+aiosqlite:///{file}")
    await Shelf(db).apply(read_files(ROOT), "ida", NOW)
    alone = Path(shutil.copy(file, tmp_path / "alone.db"))
    await asyncio.to_thread(subprocess.run, ["sh", "-c", line], cwd=tmp_path, check=True)
    await db.close()
    assert (playbooks(tmp_path / "backup.db"), playbooks(alone)) == (1, 0)


def playbooks(file: Path) -> int:
    """How many a database has."""
    with closing(sqlite3.connect(file)) as found:
        [[number]] = found.execute("SELECT count(*) FROM playbook")
    return int(number)
