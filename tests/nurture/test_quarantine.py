"""What could not be used is kept, shown and dropped row by row."""

from nurture.intake.quarantine import Quarantine
from nurture.store.database import Database
from tests.support.domain import NOW
from tests.support.world import World


async def test_the_latest_come_first_and_all_can_be_gone_through(db: Database) -> None:
    world, quarantine = World(db), Quarantine(db)
    for number in range(3):
        await world.intake.refuse("site", [(f'{{"n": {number}}}', "no type")], NOW)
    assert [row["raw"] for row in await quarantine.latest(2)] == ['{"n": 2}', '{"n": 1}']
    async for row in quarantine.everything():
        if "1" not in row.raw:
            await quarantine.drop(row)
    [left] = await quarantine.latest(50)
    assert (left["raw"], left["reason"]) == ('{"n": 1}', "no type")
