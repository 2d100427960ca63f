"""`nurture mails` and `nurture senders`, for the operator."""

import asyncio
import json
from pathlib import Path

from nurture.store.database import Database
from tests.support.command import Nurture
from tests.support.mails import sent
from tests.support.world import World


async def _send(data: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{data / 'nurture.db'}")
    world = World(db)
    await sent(world, "lost", state="unknown", reason="connection_lost")
    await sent(world, "lost-too", email="bo@example.org", state="unknown")
    await sent(world, "fine", email="carla@example.org", state="delivered")
    await db.close()


def test_unknown_mails_are_listed_and_settled(nurture: Nurture, tmp_path: Path) -> None:
    assert nurture("db", "upgrade").returncode == 0
    assert "Every mail's fate is known." in nurture("mails", "unknown").stdout
    asyncio.run(_send(tmp_path / "data"))
    assert "1 delivered, 2 unknown" in nurture("mails", "list").stdout
    told = json.loads(nurture("mails", "unknown", "--json").stdout)
    assert {row["id"] for row in told["unknown"]} == {"lost", "lost-too"}
    assert nurture("mails", "unknown", "--sent", "fine").returncode == 2
    both = nurture("mails", "unknown", "--sent", "lost", "--not-sent", "lost")
    assert "both sent and not sent" in both.stderr
    done = nurture("mails", "unknown", "--sent", "lost", "--not-sent", "lost-too")
    assert "2 settled." in done.stdout
    states = json.loads(nurture("mails", "list", "--json").stdout)["counts"]
    assert states == {"planned": 1, "accepted": 1, "delivered": 1}
    assert nurture("mails", "list", "--state", "lost").returncode == 2
    none = nurture("mails", "forget-bounces", "carla@example.org")
    assert (none.returncode, "has no bounce" in none.stderr) == (2, True)


def test_a_sender_is_looked_at_paused_and_resumed(nurture: Nurture, tmp_path: Path) -> None:
    assert nurture("db", "upgrade").returncode == 0
    assert nurture("apply").returncode == 0
    assert "courses@x-education.example>  fine" in nurture("senders", "list").stdout
    assert "stands still" in nurture("senders", "pause", "courses", "--reason", "new").stdout
    told = nurture("senders", "list", "--json")
    assert (told.returncode, json.loads(told.stdout)[0]["reason"]) == (1, "new")
    assert "courses goes on; 0 mails had waited." in nurture("senders", "resume", "courses").stdout
    assert nurture("senders", "resume", "courses").returncode == 2
    assert nurture("senders", "pause", "nobody").returncode == 2
