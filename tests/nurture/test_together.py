"""Callers that come at the same moment are served together, and none of them notices."""

import asyncio
from collections.abc import Sequence

import pytest

from nurture.domain.errors import Transient
from nurture.incoming import Incoming
from nurture.store.database import Database
from nurture.store.tables import TouchRow
from nurture.together import Together
from tests.support.domain import DAY, NOW
from tests.support.world import World


class Halver:
    """Halves numbers; odd ones it cannot."""

    def __init__(self) -> None:
        self.groups: list[Sequence[int]] = []

    async def serve(self, numbers: Sequence[int]) -> list[int]:
        self.groups.append(numbers)
        if 0 in numbers:
            raise Transient("away", "nobody is there")
        if odd := [number for number in numbers if number % 2]:
            raise ValueError(f"{odd} cannot be halved")
        return [number // 2 for number in numbers]


async def test_who_comes_at_the_same_moment_is_served_together_and_gets_its_own_answer() -> None:
    halver = Halver()
    line = Together(halver.serve, weight=int, most=12)
    assert await asyncio.gather(*(line.ask(number) for number in (2, 4, 6, 8))) == [1, 2, 3, 4]
    assert halver.groups == [[2, 4, 6], [8]]
    assert await line.ask(10) == 5


async def test_nobody_fails_for_anothers_sake() -> None:
    line = Together(Halver().serve, weight=int, most=12)
    found = await asyncio.gather(*map(line.ask, (2, 3, 4)), return_exceptions=True)
    assert [found[0], found[2]] == [1, 2]
    assert isinstance(found[1], ValueError)


async def test_what_is_away_is_away_for_all_and_asked_once() -> None:
    halver = Halver()
    found = await asyncio.gather(
        *map(Together(halver.serve, weight=int, most=12).ask, (2, 0)), return_exceptions=True
    )
    assert [type(each) for each in found] == [Transient, Transient]
    assert len(halver.groups) == 1


async def test_a_caller_that_goes_away_does_not_disturb_the_others() -> None:
    line = Together(Halver().serve, weight=int, most=12)
    stays, goes = asyncio.create_task(line.ask(2)), asyncio.create_task(line.ask(4))
    await asyncio.sleep(0)
    goes.cancel()
    assert await stays == 1
    with pytest.raises(asyncio.CancelledError):
        await goes


async def test_batches_of_one_moment_get_a_receipt_each(db: Database) -> None:
    world = World(db)
    one, two = [_page("a"), _page("b"), _page("a")], [_page("b"), _page("c")]
    first, second = await asyncio.gather(
        world.intake.take("site", one, NOW), world.intake.take("site", two, NOW + DAY)
    )
    assert (first.accepted, first.duplicates) == (2, 1)
    assert (second.accepted, second.duplicates) == (1, 1)
    assert len(await world.rows(TouchRow)) == 3


async def test_a_batch_that_cannot_be_stored_leaves_those_beside_it_alone(db: Database) -> None:
    world = World(db)
    bad = _page("bad")._replace(properties={"what": object()})
    good, refused = await asyncio.gather(
        world.intake.take("site", [_page("good")], NOW),
        world.intake.take("site", [bad], NOW),
        return_exceptions=True,
    )
    assert good.accepted == 1
    assert isinstance(refused, Exception)
    assert len(await world.rows(TouchRow)) == 1


def _page(message_id: str) -> Incoming:
    return Incoming(message_id, NOW, anonymous_id=f"browser-{message_id}", touch="page")
