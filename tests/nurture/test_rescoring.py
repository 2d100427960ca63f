"""A changed rule set re-scores everybody; what is too old is forgotten."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from nurture.domain.scoring import EngagementRule
from nurture.playbook import Playbook, Retention
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import (
    IdentityRow,
    LeadRow,
    QuarantineRow,
    TouchRow,
)
from nurture.upkeep.relay import Relay
from nurture.upkeep.rescoring import Rescoring
from nurture.versions.shelf import Shelf
from tests.support.domain import DAY, NOW
from tests.support.fresh import Fresh
from tests.support.playbook import PLAYBOOK, SCORING
from tests.support.small import SCORING as SCORING_FILE
from tests.support.small import SMALL
from tests.support.world import OneBook, World


def _generous() -> Playbook:
    """Pages give much more than they did."""
    pages = EngagementRule("pages", 70, "page", lasts=30 * DAY)
    return replace(PLAYBOOK, hash="p2", scoring=replace(SCORING, engagement=(pages,)))


async def _all_pages(rescoring: Rescoring) -> int:
    done = 0
    while number := await rescoring.page(NOW):
        done += number
    return done


async def test_a_changed_rule_set_scores_every_lead_anew_and_acts_on_it(db: Database) -> None:
    world = World(db, book := OneBook())
    await world.tell("page")
    await world.tell("demo_requested", email="bo@example.org")
    assert await _all_pages(world.rescoring) == 0
    book.book = _generous()
    assert await world.rescoring.left() == 2
    assert await _all_pages(world.rescoring) == 2
    anna, bo = await world.lead("anna@example.org"), await world.lead("bo@example.org")
    assert (anna.engagement, anna.stage, bo.engagement) == (70, "mql", 0)
    assert [row.lead_id for row in await world.rows(HandoverRow)] == [anna.id]
    assert await world.rescoring.left() == 0


async def _changed(db: Database) -> tuple[World, OneBook]:
    """A lead looked at a page; then the rules were changed."""
    world = World(db, book := OneBook())
    await world.tell("page")
    book.book = _generous()
    return world, book


async def test_a_touch_between_apply_and_rescoring_does_not_hide_the_stale_points(
    db: Database,
) -> None:
    world, _ = await _changed(db)
    await world.tell("page")
    await _all_pages(world.rescoring)
    assert (await world.lead("anna@example.org")).engagement == 140


async def test_a_lead_that_did_something_is_scored_by_the_rules_in_force_at_once(
    db: Database,
) -> None:
    world, _ = await _changed(db)
    assert (await world.tell("page")).engagement == 140
    assert await world.rescoring.left() == 0


async def test_a_playbook_taken_back_while_leads_are_scored_by_it_leaves_none_of_its_points(
    db: Database,
) -> None:
    world = World(db, book := OneBook())
    for name in "abc":
        await world.tell("page", email=f"{name}@example.org")
    assert await _all_pages(world.rescoring) == 0
    book.book = _generous()
    assert await world.rescoring.page(NOW) == 3
    book.book = PLAYBOOK
    assert await _all_pages(world.rescoring) == 3
    assert [row.engagement for row in await world.rows(LeadRow)] == [5, 5, 5]


async def test_points_of_a_playbook_that_came_and_went_between_two_looks_are_found_next_day(
    db: Database,
) -> None:
    world = World(db, book := OneBook())
    await world.tell("page")
    assert await _all_pages(world.rescoring) == 0
    book.book = _generous()
    await world.tell("page")
    book.book = PLAYBOOK
    assert await world.rescoring.page(NOW + DAY / 2) == 0
    assert await world.rescoring.page(NOW + DAY) == 1
    assert (await world.lead("anna@example.org")).engagement == 10


async def test_a_touch_after_a_rollback_builds_on_nothing_that_was_taken_back(
    db: Database,
) -> None:
    world, book = await _changed(db)
    await world.tell("page")
    book.book = PLAYBOOK
    assert (await world.tell("page")).engagement == 15


async def test_whoever_asks_how_many_are_left_has_them_scored_without_waiting_for_the_next_day(
    db: Database,
) -> None:
    world = World(db)
    await world.tell("page")
    assert await _all_pages(world.rescoring) == 0
    async with db.write() as session:
        await session.execute(update(LeadRow).values(scored_by="another", engagement=70))
    assert await world.rescoring.left() == 1
    assert await _all_pages(world.rescoring) == 1
    assert (await world.lead("anna@example.org")).engagement == 5


def _points(points: int) -> dict[str, str]:
    rule = f"{{points: {points}, touch: page, lasts: 30 days}}"
    return {**SMALL, SCORING_FILE: f"engagement: {{pages: {rule}}}\n"}


async def test_apply_and_rollback_leave_the_scores_that_were_there_before(db: Database) -> None:
    world = World(db, shelf := Shelf(db))
    await shelf.apply(_points(5), "ida", NOW)
    await world.tell("page", email="bo@example.org")
    await world.tell("page")
    assert await _all_pages(world.rescoring) == 0
    await shelf.apply(_points(70), "ida", NOW)
    assert (await world.tell("page")).engagement == 140
    assert await world.rescoring.page(NOW) == 1
    assert (await world.lead("bo@example.org")).engagement == 70
    await shelf.rollback("ida", NOW)
    assert await _all_pages(world.rescoring) == 2
    scores = [(await world.lead(f"{name}@example.org")).engagement for name in ("anna", "bo")]
    assert scores == [10, 5]
    assert (await world.tell("page")).engagement == 15


@st.composite
def _touches(draw: st.DrawFn) -> list[dict[str, Any]]:
    one = st.fixed_dictionaries(
        {
            "touch": st.sampled_from(["page", "demo_requested", "downloaded"]),
            "at": st.integers(-60, 0).map(lambda days: NOW + timedelta(days=days)),
            "traits": st.sampled_from([{}, {"occupation": "pro"}, {"occupation": "other"}]),
        }
    )
    return draw(st.lists(one, min_size=1, max_size=12))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=_touches())
async def test_kept_up_touch_by_touch_or_computed_from_scratch_the_score_is_the_same(
    fresh: Fresh, told: list[dict[str, Any]]
) -> None:
    async with fresh() as db:
        world = World(db)
        for one in told:
            await world.tell(consents=(), **one)
        await world.tell(None, consents=())
        kept = await world.lead("anna@example.org")
        async with world.db.write() as session:
            await session.execute(update(LeadRow).values(scored_by="another", fit=0, engagement=0))
        await _all_pages(world.rescoring)
        anew = await world.lead("anna@example.org")
        assert (anew.fit, anew.engagement, anew.next_score_at) == (
            kept.fit,
            kept.engagement,
            kept.next_score_at,
        )


@pytest.fixture
async def aging(db: Database) -> World:
    kept = Retention(touches=100 * DAY, visitors=10 * DAY, quarantine=5 * DAY)
    world = World(db, OneBook(replace(PLAYBOOK, retention=kept)))
    await world.tell("demo_requested")
    await world.tell("page", email=None, anonymous_id="browser")
    await world.intake.refuse("site", [("{}", "no type")], NOW)
    return world


async def test_a_visitor_whom_nobody_came_to_know_is_forgotten_and_still_counted(
    aging: World,
) -> None:
    assert await aging.retention.page(NOW + 9 * DAY) == 1
    assert await aging.retention.page(NOW + 10 * DAY) == 1
    assert [row.value for row in await aging.rows(IdentityRow)] == ["anna@example.org"]
    assert len(await aging.rows(LeadRow)) == 2
    assert await aging.rows(QuarantineRow) == []


async def test_a_customer_whom_a_shop_knows_by_user_id_alone_is_kept(aging: World) -> None:
    await aging.tell("page", email=None, user_id="u-bo", traits={"first_name": "Bo"})
    while await aging.retention.page(NOW + 90 * DAY):
        pass
    assert (await aging.lead("u-bo")).traits == {"first_name": "Bo"}
    assert {row.kind for row in await aging.rows(IdentityRow)} == {"email", "user"}


async def test_old_touches_go_with_their_points(aging: World) -> None:
    later = NOW + 100 * DAY
    while await aging.retention.page(later):
        pass
    assert await aging.rows(TouchRow) == []
    lead = await aging.lead("anna@example.org")
    assert lead.next_score_at == later
    assert lead.engagement > 0
    await Relay(aging.outbox, aging.shelf, aging.reactions, lambda: later).look()
    assert (await aging.lead("anna@example.org")).engagement == 0


async def test_after_a_look_that_found_nothing_the_next_is_a_day_later(aging: World) -> None:
    assert await aging.retention.page(NOW) == 0
    assert await aging.retention.page(NOW + 10 * DAY - DAY / 2) > 0
    assert await aging.retention.page(NOW + DAY / 2) == 0


async def test_what_another_release_left_with_a_lead_is_settled_anew(db: Database) -> None:
    """It read the same playbook and the same words of the lead otherwise."""
    world = World(db)
    row = await world.tell("form_submitted")
    await world.intake.withdraw(row.id, "email_marketing", "mail", NOW)
    left = {"scored_by": PLAYBOOK.hash, "engagement": 70, "consents": ["email_marketing"]}
    async with db.write() as session:
        await session.execute(update(LeadRow).values(**left))
    assert await world.rescoring.page(NOW) == 1
    row = await world.lead("anna@example.org")
    assert (row.engagement, row.consents) == (0, ["ad_audiences"])
    assert await world.rescoring.left() == 0
