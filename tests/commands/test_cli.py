import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlmodel import select

from embedded import local
from nurture import settings
from nurture.playbook.planning import UNREAD
from nurture.playbook.source import read_files
from nurture.settings import Settings
from nurture.store import enrolments
from nurture.store.database import Database
from nurture.store.declared import METADATA
from nurture.store.tables import WakeupRow
from tests.support import newer
from tests.support.command import Nurture
from tests.support.playbook import PLAYBOOK
from tests.support.world import consenting

ROOT = Path(__file__).parents[2]


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
    head, only = nurture("report", "--month", "2026-10", "--csv").stdout.splitlines()
    assert head.startswith("period,everybody,visits,visitors,leads")
    assert only.startswith("2026-10,,0,0,0")
    page = nurture("report", "--month", "2026-10", "--html").stdout
    assert "2026-10-01 to 2026-11-01" in page
    months = json.loads(nurture("report", "--by", "month", "--json").stdout)["groups"]
    assert len(months) == 12
    assert "2026-13" in nurture("report", "--month", "2026-13").stderr
    assert nurture("report", "--by", "weather").returncode == 2


LACKING = (
    "the audience hesitating-leads is on meta, which is not configured; set NURTURE_META_TOKEN\n"
)


def test_who_applies_a_playbook_hears_what_its_audiences_wait_for(nurture: Nurture) -> None:
    here = {"NURTURE_META_TOKEN": ""}
    assert nurture("db", "upgrade").returncode == 0
    for verb in ("check", "plan"):
        assert nurture(verb, **here).stderr == ""
    found = nurture("apply", **here)
    assert (found.returncode, found.stderr) == (0, LACKING)
    assert "is in force" in found.stdout


def test_beside_nurture_up_which_stands_in_for_accounts_nothing_is_waited_for(
    nurture: Nurture, tmp_path: Path
) -> None:
    local.prepare(Settings(data_dir=tmp_path / "data"))
    here = {"NURTURE_META_TOKEN": ""}
    assert nurture("db", "upgrade").returncode == 0
    assert nurture("apply", **here).stderr == ""
    elsewhere = f"sqlite+aiosqlite:///{tmp_path}/another.db"
    assert nurture("db", "upgrade", NURTURE_DATABASE_URL=elsewhere).returncode == 0
    assert nurture("apply", **here).stderr == LACKING


def test_the_way_back_from_a_newer_release_says_what_cannot_be_compared(nurture: Nurture) -> None:
    async def newer_release() -> None:
        db = Database(settings.load().database)
        await newer.put_in_force(db, read_files(ROOT), "config/flows/welcome.yaml")
        await db.close()

    for words in (("db", "upgrade"), ("apply",)):
        assert nurture(*words).returncode == 0
    for verb in ("rollback", "apply"):
        asyncio.run(newer_release())
        assert nurture("plan").stdout == f"{UNREAD}\n"
        assert nurture(verb).stdout.endswith(f"\n{UNREAD}\n")
        assert nurture("plan").stdout == "nothing would change\n"


def test_an_unknown_lead_is_a_sentence_and_no_traceback(nurture: Nurture) -> None:
    for words in (("db", "upgrade"), ("apply",)):
        assert nurture(*words).returncode == 0
    found = nurture("lead", "nobody@firm.dk")
    assert found.returncode == 2
    assert found.stderr == "nurture: nobody@firm.dk: no lead goes by this name\n"


def test_everything_is_copied_into_another_database_where_the_settings_can_lead_then(
    nurture: Nurture, tmp_path: Path
) -> None:
    here, there = {"NURTURE_DATABASE_URL": ""}, f"sqlite+aiosqlite:///{tmp_path}/there.db"
    for words in (("db", "upgrade"), ("apply",)):
        assert nurture(*words).returncode == 0
    behind = nurture("db", "copy", there)
    assert behind.returncode == 2
    assert behind.stderr.endswith(
        "; run `nurture db upgrade` with NURTURE_DATABASE_URL set to it\n"
    )
    assert nurture("db", "upgrade", NURTURE_DATABASE_URL=there).returncode == 0

    told = json.loads(nurture("db", "copy", there, "--json", **here).stdout)
    assert {name: rows for name, rows in told["tables"].items() if rows} == {
        "playbook": 1,
        "playbook_in_force": 1,
    }
    assert told["rows"] == 2
    assert nurture("plan", NURTURE_DATABASE_URL=there).stdout == "nothing would change\n"
    again = nurture("db", "copy", there, **here)
    assert (again.returncode, again.stdout) == (2, "")


def test_who_copies_a_database_hears_how_much_and_what_to_set(
    nurture: Nurture, tmp_path: Path
) -> None:
    here, there = {"NURTURE_DATABASE_URL": ""}, f"sqlite+aiosqlite:///{tmp_path}/there.db"
    for env in (here, {"NURTURE_DATABASE_URL": there}):
        assert nurture("db", "upgrade", **env).returncode == 0
    copied = nurture("db", "copy", there, **here)
    tables = len(METADATA.tables)
    assert (copied.stdout, copied.stderr) == (
        f"0 rows of {tables} tables copied; servers and workers go on there with NURTURE_DATABASE_URL set to it\n",
        "",
    )


async def _begun_just_now() -> None:
    db, now = Database(settings.load().database), datetime.now(UTC)
    async with db.write() as session:
        session.add(consenting("anna", now))
        await session.flush()
        enrolments.begin(session, PLAYBOOK, "anna", "welcome", [], now)
        await session.flush()
        await session.execute(delete(WakeupRow))  # handed over to the Temporal of before
    await db.close()


async def _woken(url: str) -> list[str]:
    db = Database(url)
    async with db.read() as session:
        kinds = list((await session.execute(select(WakeupRow.kind))).scalars())
    await db.close()
    return kinds


def test_who_began_just_before_the_copy_is_woken_since_another_temporal_knows_nobody(
    nurture: Nurture, tmp_path: Path
) -> None:
    here, there = {"NURTURE_DATABASE_URL": ""}, f"sqlite+aiosqlite:///{tmp_path}/there.db"
    for env in ({"NURTURE_DATABASE_URL": there}, here):
        assert nurture("db", "upgrade", **env).returncode == 0
    asyncio.run(_begun_just_now())
    assert nurture("db", "copy", there, **here).returncode == 0
    assert asyncio.run(_woken(there)) == ["enrolment"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "sqlite+aiosqlite:///data/nurture.db",
            "URL: this is the database of the settings itself; name another",
        ),
        ("nosuchdb://x", "URL: NURTURE_DATABASE_URL: Can't load plugin: "),
        ("postgresql+asyncpg://a:p@ss@x/n", "URL: NURTURE_DATABASE_URL cannot be read: "),
    ],
)
def test_a_url_that_no_database_is_copied_to_is_refused(
    nurture: Nurture, url: str, told: str
) -> None:
    refused = nurture("db", "copy", url)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"nurture: {told}")


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
    assert found.stderr == (
        f"nurture: another nurture runs on the data folder {folder}; NURTURE_DATA_DIR names another\n"
    )
    assert folder.exists()
