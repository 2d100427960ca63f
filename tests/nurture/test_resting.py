"""A lead that sales gave back rests; when its rest is over the rules may lift it again, and somebody looks."""

from datetime import datetime
from typing import cast

import pytest

from nurture.domain.sla import State
from nurture.incoming import Answer
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import LeadRow
from nurture.upkeep.relay import Relay
from nurture.versions.crossings import Crossing, crossings
from tests.support.domain import DAY, NOW
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.world import OneBook, World

REST = PLAYBOOK.handover.cool_off
SECOND = DAY / 86_400
TYPO = playbook(hash="a mail's typo was mended")


@pytest.fixture
async def given_back(db: Database) -> World:
    """Sales rejected a lead that its points would lift again."""
    world = World(db, OneBook())
    await world.tell("demo_requested", traits={"occupation": "pro"})
    [handover] = await world.rows(HandoverRow)
    await world.desk.answer(handover.id, Answer(State.REJECTED, NOW, reason="no budget"))
    return world


def _apply_typo(world: World) -> None:
    cast(OneBook, world.shelf).book = TYPO


async def _look(world: World, at: datetime) -> tuple[str, int]:
    """The lead's stage, and how often it was handed over."""
    await Relay(world.outbox, world.shelf, world.reactions, lambda: at).look()
    return await _state(world)


async def _state(world: World) -> tuple[str, int]:
    return (await world.lead("anna@example.org")).stage, len(await world.rows(HandoverRow))


async def test_a_silent_lead_is_handed_over_again_when_its_rest_is_over(given_back: World) -> None:
    assert await _look(given_back, NOW + REST - SECOND) == ("lead", 1)
    assert await _look(given_back, NOW + REST) == ("mql", 2)


async def test_an_apply_during_the_rest_leaves_its_end_where_it_was(given_back: World) -> None:
    _apply_typo(given_back)
    assert await given_back.rescoring.page(NOW + REST / 2) == 1
    assert await _look(given_back, NOW + REST - SECOND) == ("lead", 1)
    assert await _look(given_back, NOW + REST) == ("mql", 2)


async def test_a_rest_that_ends_while_everything_stands_still_is_over_at_the_first_look(
    given_back: World,
) -> None:
    _apply_typo(given_back)
    assert await given_back.rescoring.page(NOW + REST + DAY) == 1
    assert await _state(given_back) == ("mql", 2)


async def _unnoticed(world: World) -> None:
    """As a release left it that did not look when a rest was over; the playbook is another one since."""
    async with world.db.write() as session:
        row = await session.get(LeadRow, (await world.lead("anna@example.org")).id)
        assert row is not None
        row.next_score_at = None
    _apply_typo(world)


async def test_changed_rules_do_not_hand_over_in_a_heap_whose_rest_ended_unnoticed(
    given_back: World,
) -> None:
    await _unnoticed(given_back)
    async with given_back.db.read() as session:
        told = await crossings(session, PLAYBOOK, TYPO, NOW + 9 * REST)
    assert told == [Crossing("lead", 0, 0), Crossing("mql", 0, 0)]
    assert await given_back.rescoring.page(NOW + 9 * REST) == 1
    assert await _state(given_back) == ("lead", 1)


async def test_whose_rest_ended_unnoticed_is_handed_over_with_the_next_thing_heard_of_it(
    given_back: World,
) -> None:
    await _unnoticed(given_back)
    await given_back.tell("page", consents=(), at=NOW + 9 * REST)
    assert await _state(given_back) == ("mql", 2)
