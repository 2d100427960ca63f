"""Who only reads a playbook needs to know nothing of the clock it was put in force with."""

from pathlib import Path

from nurture.playbook.source import read_files
from nurture.store.database import Database
from nurture.versions.shelf import Shelf
from tests.support.domain import DAY, NOW

ROOT = Path(__file__).parents[2]


async def test_a_reader_follows_the_pace_in_force(db: Database) -> None:
    await Shelf(db, "1 day = 1 s").apply(read_files(ROOT), "test", NOW)
    async with db.read() as session:
        playbook = await Shelf(db).current(session)
    assert playbook.day == DAY / 86_400
