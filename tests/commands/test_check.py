"""`nurture check`, `schema`, `plan`, `rollback` and `enrol` by their words and exit codes."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import cast

import pytest

from commands.check import versions
from nurture import settings
from nurture.store.database import Database
from nurture.versions.shelf import Shelf
from tests.support.command import Nurture
from tests.support.small import FLOW, LAUNCH, SMALL
from tests.support.world import OneBook, World


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A playbook on disk that a test may edit."""
    folder = tmp_path / "book"
    for file, text in {**SMALL, LAUNCH: FLOW}.items():
        put(folder, file, text)
    return folder


def put(folder: Path, file: str, text: str) -> None:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text, encoding="utf-8")


def test_mistakes_in_config_and_in_mails_are_told_at_once(nurture: Nurture, book: Path) -> None:
    put(book, LAUNCH, FLOW.replace("form_submitted", "form_submited"))
    put(book, "templates/email/welcome/subject.txt", "Hello {{ lead.frist_name }}")
    found = nurture("check", NURTURE_PLAYBOOK_DIR=str(book))
    assert found.returncode == 1
    assert 'did you mean "form_submitted"?' in found.stdout
    assert "templates/email/welcome/subject.txt:1:10: " in found.stdout


def test_a_mail_without_a_way_out_is_a_finding(nurture: Nurture, book: Path) -> None:
    put(book, "templates/email/welcome/body.mjml", "<mjml><mj-body></mj-body></mjml>")
    found = nurture("check", NURTURE_PLAYBOOK_DIR=str(book))
    assert (found.returncode, "unsubscribe" in found.stdout) == (1, True)


def test_a_flow_without_a_goal_is_a_remark_and_no_error(nurture: Nurture, book: Path) -> None:
    found = nurture("check", NURTURE_PLAYBOOK_DIR=str(book))
    assert found.returncode == 0
    assert f"remark: {LAUNCH}:1:7: this flow has no goal" in found.stdout
    told = json.loads(nurture("check", "--json", NURTURE_PLAYBOOK_DIR=str(book)).stdout)
    assert (told["ok"], len(told["remarks"])) == (True, 2)
    assert "remark: templates/email/welcome/body.mjml:1:1: this mail has no pre" in found.stdout


def test_the_shipped_playbook_leaves_nothing_to_say(nurture: Nurture) -> None:
    told = json.loads(nurture("check", "--json").stdout)
    assert (told["findings"], told["remarks"]) == ([], [])


def test_watching_tells_each_version_once() -> None:
    texts = iter([{"a": "1"}, {"a": "1"}, {"a": "2"}, {"a": "2"}, {"a": "1"}])
    pauses: list[float] = []
    seen: list[Mapping[str, str]] = list(islice(versions(lambda: next(texts), pauses.append), 3))
    assert seen == [{"a": "1"}, {"a": "2"}, {"a": "1"}]
    assert len(pauses) == 4


def test_schemas_are_written_and_the_editors_own_settings_left_alone(
    nurture: Nurture, book: Path
) -> None:
    assert nurture("schema", NURTURE_PLAYBOOK_DIR=str(book)).returncode == 0
    assert (book / "config/schema/flow.schema.json").is_file()
    settings = json.loads((book / ".vscode/settings.json").read_text())
    assert settings["yaml.schemas"]["./config/schema/flow.schema.json"] == "config/flows/*.yaml"
    (book / ".vscode/settings.json").write_text("{}")
    assert "left alone" in nurture("schema", NURTURE_PLAYBOOK_DIR=str(book)).stdout
    assert (book / ".vscode/settings.json").read_text() == "{}"


def test_no_schemas_are_written_where_there_is_no_playbook(
    nurture: Nurture, tmp_path: Path
) -> None:
    ended = nurture("schema", NURTURE_PLAYBOOK_DIR=str(tmp_path / "plybook"))
    assert ended.returncode == 2
    assert "there is no playbook here: the folder config/ is missing" in ended.stderr
    assert not (tmp_path / "plybook").exists()


def test_a_plan_in_words_and_as_json_then_applied_and_taken_back(
    nurture: Nurture, book: Path
) -> None:
    here = {"NURTURE_PLAYBOOK_DIR": str(book)}
    for words in (("db", "upgrade"), ("apply",)):
        assert nurture(*words, **here).returncode == 0
    put(book, LAUNCH, FLOW + "  - wait: 3 days\n  - tag: {add: seen}\n")
    assert nurture("plan", **here).stdout == (
        "flow launch\n  step wait-after-welcome inserted (wait 3 days)\n"
        "  step tag-seen inserted (tag seen)\n"
    )
    plan = json.loads(nurture("plan", "--json", **here).stdout)
    assert plan["flows"][0]["flow"] == "launch"
    assert plan["leads"] == []
    assert nurture("apply", **here).returncode == 0
    assert "in force again" in nurture("rollback", **here).stdout
    assert "wait-after-welcome inserted" in nurture("plan", **here).stdout


def test_by_hand_into_a_flow_names_who_cannot(nurture: Nurture, book: Path) -> None:
    here = {"NURTURE_PLAYBOOK_DIR": str(book)}
    for words in (("db", "upgrade"), ("apply",)):
        assert nurture(*words, **here).returncode == 0
    found = nurture("enrol", "nobody@example.org", "launch", **here)
    assert (found.returncode, found.stderr) == (
        2,
        "nurture: nobody@example.org: no lead goes by this name\n",
    )


async def two_leads() -> None:
    db = Database(settings.load().database)
    world = World(db, cast(OneBook, Shelf(db)))
    for email, country in (("ida@example.org", "DK"), ("bo@example.org", "SE")):
        await world.tell("page", email=email, traits={"country": country})
    await db.close()


async def scored() -> None:
    """The worker's turn."""
    db = Database(settings.load().database)
    assert await World(db, cast(OneBook, Shelf(db))).rescoring.page(datetime.now(UTC)) == 2
    await db.close()


def test_a_plan_counts_the_leads_that_other_points_lift(nurture: Nurture, book: Path) -> None:
    here = {"NURTURE_PLAYBOOK_DIR": str(book)}
    stages = "lead: {title: Lead}\nmql: {title: MQL, when: score.total >= 50}\n"
    put(book, "config/stages.yaml", stages + "sql: {title: SQL}\ncustomer: {title: Customer}\n")
    scoring = "fit: {danish: {points: 10, when: lead.country == 'DK'}}\n"
    put(book, "config/scoring.yaml", scoring)
    for words in (("db", "upgrade"), ("apply",)):
        assert nurture(*words, **here).returncode == 0
    asyncio.run(two_leads())
    put(book, "config/scoring.yaml", scoring.replace("10", "60"))
    found = nurture("plan", **here).stdout
    assert "changed config/scoring.yaml" in found
    assert "1 leads would newly qualify for mql, 0 no longer" in found
    assert nurture("apply", **here).returncode == 0
    asyncio.run(scored())
    put(book, "config/scoring.yaml", scoring)
    cold = "back: {to: [lead], by: [rule, sales], when: score.total < 25, reason: cold}"
    back = stages.replace("total >= 50}", f"total >= 50, {cold}}}")
    put(book, "config/stages.yaml", back + "sql: {title: SQL}\ncustomer: {title: Customer}\n")
    assert "0 leads would newly qualify for mql, 1 no longer" in nurture("plan", **here).stdout
    (book / "config/scoring.yaml").unlink()
    found = nurture("plan", **here).stdout
    assert "removed config/scoring.yaml" in found
    assert "0 leads would newly qualify for mql, 1 no longer" in found


def test_a_plan_says_whom_a_changed_rule_moves_on_an_audience(nurture: Nurture, book: Path) -> None:
    here = {"NURTURE_PLAYBOOK_DIR": str(book)}
    rule = "warm: {title: Warm, platform: meta, external_id: '1', when: lead.country == 'DK'}\n"
    put(book, "config/audiences.yaml", rule)
    for words in (("db", "upgrade"), ("plan",), ("apply",)):
        assert nurture(*words, **here).returncode == 0
    asyncio.run(two_leads())
    put(book, "config/audiences.yaml", rule.replace("DK", "SE"))
    assert "1 would be added to the audience warm, 1 removed" in nurture("plan", **here).stdout
    [moved] = json.loads(nurture("plan", "--json", **here).stdout)["audiences"]
    assert (moved["members"], moved["adds"], moved["removes"]) == (1, 1, 1)


def test_a_plan_says_whom_other_points_move_on_an_audience(nurture: Nurture, book: Path) -> None:
    here = {"NURTURE_PLAYBOOK_DIR": str(book)}
    rule = "warm: {title: Warm, platform: meta, external_id: '1', when: score.total >= 40}\n"
    put(book, "config/audiences.yaml", rule)
    for words in (("db", "upgrade"), ("apply",)):
        assert nurture(*words, **here).returncode == 0
    asyncio.run(two_leads())
    put(book, "config/scoring.yaml", "engagement: {pages: {points: 50, touch: page}}\n")
    assert "2 would be added to the audience warm, 0 removed" in nurture("plan", **here).stdout
    told = json.loads(nurture("audiences", "--plan", "--json", **here).stdout)
    assert [(each["members"], each["adds"]) for each in told] == [(0, 2)]
