"""Holding a flow from the dashboard."""

import pytest

from nurture.dashboard.courses import Courses
from nurture.domain.errors import PlaybookError
from nurture.domain.steps import Paused
from nurture.playbook.compiler import compile_playbook
from nurture.store.database import Database
from nurture.versions.shelf import Shelf
from tests.support.domain import NOW
from tests.support.small import AUDIENCES, FLOW, LAUNCH, SMALL

TWICE = SMALL[AUDIENCES] + "warmer: {title: Warmer, platform: meta, external_id: '1'}\n"
FILES = {**SMALL, LAUNCH: FLOW, AUDIENCES: TWICE}


async def test_a_flow_is_held_and_goes_on_though_a_later_release_finds_fault_with_another_file(
    db: Database,
) -> None:
    shelf = Shelf(db)
    courses = Courses(db, shelf)
    await shelf.put_in_force(compile_playbook(FILES, kept=True), FILES, "an old release", NOW)
    with pytest.raises(PlaybookError):
        await shelf.apply(FILES, "ida", NOW)
    for paused, kind in ((True, Paused.HOLD), (False, None)):
        await courses.pause("launch", paused, "ida", NOW)
        async with db.read() as session:
            assert (await shelf.current(session)).flows["launch"].paused is kind
