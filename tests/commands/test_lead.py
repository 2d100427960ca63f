"""`nurture lead` explains a score line by line."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from nurture import settings
from nurture.store.database import Database
from nurture.versions.shelf import Shelf
from tests.support.command import Nurture
from tests.support.domain import DAY
from tests.support.small import SCORING, SMALL, put
from tests.support.world import OneBook, World

RULES = """\
fit: {danish: {points: 10, title: From Denmark, when: lead.country == 'DK'}}
engagement:
  pages: {points: 5, title: Looked at a page, touch: page, cap: 8, lasts: 30 days}
  videos: {points: 8, title: Saw a video, touch: video_played, half_life: 7 days}
  demo: {points: 40, title: Asked for a demo, touch: demo_requested}
"""
NOW = datetime.now(UTC)


async def _told() -> None:
    db = Database(settings.load().database)
    world = World(db, cast(OneBook, Shelf(db)))
    await world.tell("page", at=NOW - 20 * DAY, traits={"country": "DK"})
    for touch in ("page", "video_played", "demo_requested"):
        await world.tell(touch, at=NOW)
    await db.close()


def test_every_touch_of_a_score_is_told_with_its_points_and_when_they_end(
    nurture: Nurture, tmp_path: Path
) -> None:
    book = put(tmp_path / "book", {**SMALL, SCORING: RULES})
    here = {"NURTURE_PLAYBOOK_DIR": str(book)}
    for words in (("db", "upgrade"), ("apply",)):
        assert nurture(*words, **here).returncode == 0
    asyncio.run(_told())
    told = nurture("lead", "anna@example.org", **here).stdout
    today, then = (f"{at:%Y-%m-%d %H:%M}" for at in (NOW, NOW - 20 * DAY))
    ends, before = (f"{at:%Y-%m-%d %H:%M}" for at in (NOW + 30 * DAY, NOW + 10 * DAY))
    lines = told.splitlines()
    assert "score 66 = fit 10 + engagement 56" in lines
    assert "  +10 From Denmark, as long as that holds" in lines
    assert f"  country: DK (told {then})" in lines
    assert "  +8 Looked at a page (of +10, capped)" in lines
    assert f"    +5 page {today}, until {ends}" in lines
    assert f"    +5 page {then}, until {before}" in lines
    assert f"    +40 demo_requested {today}" in lines
    assert f"    +8 video_played {today}, fading until " in told
    assert "the rules have changed" not in told
    (book / SCORING).write_text(RULES.replace("points: 40", "points: 50"), encoding="utf-8")
    assert nurture("apply", **here).returncode == 0
    told = nurture("lead", "anna@example.org", **here).stdout
    assert "score 76 = fit 10 + engagement 66\n  the rules have changed: " in told
