"""Backup and restore as docs/operations.md has it, with real processes: the databases are put back to a point."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import httpx
import pytest

from embedded import local
from embedded.up import running
from nurture.settings import Settings
from tests.support.product import at_least, identify
from tests.support.small import LAUNCH, SMALL, STAGES, put

ROOT = Path(__file__).parents[2]
OURS, TEMPORALS = "nurture.db*", "temporal.db*"
MAILS = ("welcome", "second", "third")
REACHED = """\
visitor: {title: Visitor}
lead: {title: Lead, when: 'lead.email != ""'}
sql: {title: SQL}
customer: {title: Customer}
"""
FLOW = """\
flow: launch
title: Launch
enter: {on: stage, stage: lead}
steps:
  - email: welcome
  - wait: 4 hours
  - email: second
  - wait: 10 days
  - email: third
"""


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    files = {**SMALL, STAGES: REACHED, LAUNCH: FLOW}
    for mail in MAILS:
        files[f"templates/email/{mail}/subject.txt"] = mail
        files[f"templates/email/{mail}/body.mjml"] = SMALL["templates/email/welcome/body.mjml"]
    return put(tmp_path / "playbook", files)


def copy(source: Path, target: Path, *patterns: str) -> None:
    """In place of what is there by these names. What the mailboxes got stays."""
    for pattern in patterns:
        for path in target.glob(pattern):
            path.unlink()
        for path in source.glob(pattern):
            shutil.copy2(path, target)


async def nurture(settings: Settings, *words: str) -> str:
    """What the command says."""
    program = "import sys, cli; cli.main(sys.argv[1:])"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *words),
        cwd=ROOT,
        env=local.environment(settings, os.environ),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    return told.decode()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("lost", [(), (TEMPORALS,)], ids=["both restored", "Temporal lost"])
async def test_after_a_restore_to_a_point_no_mail_goes_out_twice_and_the_flow_goes_on(
    settings: Settings, playbook: Path, tmp_path: Path, lost: tuple[str, ...]
) -> None:
    slow = settings.model_copy(update={"playbook_dir": playbook, "pace": "1 day = 60 s"})
    fast = slow.model_copy(update={"pace": "1 day = 0.1 s"})
    data, backup = settings.data_dir, tmp_path / "backup"
    backup.mkdir()
    async with httpx.AsyncClient() as http:
        async with running(slow) as product:
            await identify(http, product)
            await at_least(1, http, product)
        copy(data, backup, OURS, TEMPORALS)
        async with running(slow) as product:
            await at_least(2, http, product)
        copy(backup, data, OURS, TEMPORALS)
        copy(Path(os.devnull), data, *lost)
        told = await nurture(local.prepare(slow), "db", "restored")
        assert "1 mails of 1 leads may have gone out and will not be sent again" in told
        async with running(fast) as product:
            await nurture(product.settings, "upkeep", "--now")
            arrived = await at_least(3, http, product)
            unknown = await nurture(product.settings, "mails", "unknown")
    assert sorted(mail["subject"] for mail in arrived) == sorted(MAILS)
    assert "second" in unknown
    assert "third" not in unknown
