"""Touches that pass by: stored in plain rows, they leave a lead exactly as the long way would."""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from nurture.domain.errors import InputError
from nurture.domain.scoring import EngagementRule
from nurture.incoming import Incoming
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import EnrolmentRow, IdentityRow, LeadRow, StageChangeRow, TouchRow
from tests.support.domain import DAY, NOW
from tests.support.fresh import Fresh
from tests.support.playbook import PLAYBOOK, SCORING
from tests.support.world import OneBook, World

FADING = EngagementRule("video", 24, "video_played", cap=40, half_life=7 * DAY)


@st.composite
def _touch(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "email": draw(st.sampled_from(["anna@example.org", "bo@example.org"])),
        "touch": draw(
            st.sampled_from(["page", "page", "clicked", "video_played", "demo_requested"])
        ),
        "at": NOW - timedelta(hours=draw(st.integers(0, 40 * 24))),
    }


def _world(db: Database) -> World:
    rules = replace(SCORING, engagement=(*SCORING.engagement, FADING))
    book = OneBook(replace(PLAYBOOK, scoring=rules))
    return World(db, book)


async def _state(world: World) -> list[Any]:
    leads = await world.rows(LeadRow)
    return [
        sorted((row.email, row.model_dump_json(exclude={"id", "created_at"})) for row in leads),
        [len(await world.rows(table)) for table in (StageChangeRow, HandoverRow, EnrolmentRow)],
    ]


async def _settled(world: World) -> list[Any]:
    """After every rule was asked again of every lead."""
    async with world.outbox.write() as session:
        for known in await world.rows(LeadRow):
            row = await session.get(LeadRow, known.id)
            assert row is not None
            row.tally = None
            await world.reactions.settle(session, await world.shelf.current(session), row, [], NOW)
    return await _state(world)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(_touch(), min_size=1, max_size=12), seed=st.integers(0, 1000))
async def test_what_passed_by_counts_as_if_everything_had_been_asked_again(
    fresh: Fresh, told: list[dict[str, Any]], seed: int
) -> None:
    messages = [Incoming(f"told-{n}", **each) for n, each in enumerate(told)]
    cuts = random.Random(seed).sample(range(len(messages) + 1), 1)
    async with fresh() as db:
        world = _world(db)
        for email in ("anna@example.org", "bo@example.org"):
            await world.tell(email=email, at=NOW - 41 * DAY)  # before all else, so that it may pass
        for batch in (messages[: cuts[0]], messages[cuts[0] :]):
            await world.intake.take("site", batch, NOW)
        await world.outbox.drain()
        kept = await _state(world)
        assert await _settled(world) == kept
        assert len(await world.rows(TouchRow)) == len(messages) + 2


@st.composite
def _word(draw: st.DrawFn) -> dict[str, Any]:
    """Of one of two who share a browser and change their address; or its wish to be forgotten."""
    who = draw(st.sampled_from(["anna", "bo"]))
    address = f"{who}@{draw(st.sampled_from(['old', 'old', 'new']))}.example"
    if draw(st.integers(0, 9)) == 0:
        return {"forget": draw(st.sampled_from([address, f"user-{who}"]))}
    said: dict[str, Any] = {
        "touch": draw(st.sampled_from(["page", "page", "demo_requested", None])),
        "trusted": draw(st.booleans()),
    }
    if draw(st.booleans()):
        said["anonymous_id"] = draw(st.sampled_from([f"{who}-phone", "family"]))
    if draw(st.booleans()):
        said["user_id"] = f"user-{who}"
    if draw(st.booleans()) or not (said.keys() & {"anonymous_id", "user_id"}):
        said["email"] = address
    return said


async def _heard(world: World, told: Sequence[dict[str, Any]], long: bool) -> list[Any]:
    """What became of each word, one after another; `long`: no lead is as its last look left it, so nothing passes."""
    became: list[Any] = []
    for number, said in enumerate(told):
        at = NOW + number * timedelta(minutes=1)
        if long:
            async with world.db.write() as session:
                await session.execute(update(LeadRow).values(scored_by=None))
        if "forget" in said:
            with suppress(InputError):
                await world.privacy.erase(said["forget"], "operator", at)
                with pytest.raises(InputError):
                    await world.privacy.export(said["forget"])
        else:
            message = Incoming(f"m{number}", at, **said)
            became.append(await world.intake.take("site", [message], at))
    await world.outbox.drain()
    return became


async def _whose(world: World) -> list[Any]:
    """Each lead with its names and touches, without the ids that chance gave."""
    names, touches = await world.rows(IdentityRow), await world.rows(TouchRow)
    return sorted(
        (
            sorted(
                (name.kind, name.value, name.by_browser) for name in names if name.lead_id == id_
            ),
            sorted(touch.id for touch in touches if touch.lead_id == id_),
            row.model_dump_json(exclude={"id", "scored_by", "merged_into"}),
        )
        for row in await world.rows(LeadRow)
        for id_ in [row.id]
    )


LENT: dict[str, Any] = {"touch": "page", "anonymous_id": "family"}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(user=st.sampled_from(["anna", "bo"]), words=st.lists(_word(), min_size=2, max_size=7))
async def test_whose_names_and_touches_are_does_not_hang_on_whether_messages_pass_by(
    fresh: Fresh, user: str, words: list[dict[str, Any]]
) -> None:
    """One of the two, or both, use a browser in which Anna told her address."""
    told = [LENT | {"email": "anna@old.example"}, LENT | {"user_id": f"user-{user}"}, *words]
    found = []
    for long in (False, True):
        async with fresh() as db:
            world = _world(db)
            became = await _heard(world, told, long)
            found.append((became, await _whose(world)))
            for row in await world.rows(LeadRow):
                theirs = [name for name in await world.rows(IdentityRow) if name.lead_id == row.id]
                emails = {name.value.split("@")[0] for name in theirs if name.kind == "email"}
                assert len(emails) <= 1, "two persons are melted into one"
    assert found[0] == found[1]


async def test_a_page_view_of_a_known_lead_changes_its_points_and_when_they_go(
    db: Database,
) -> None:
    world = World(db)
    await world.tell("form_submitted")
    row = await world.tell("page", consents=(), at=NOW + DAY)
    assert (row.engagement, row.next_score_at) == (5, NOW + 31 * DAY)
    assert row.first_touch_at == NOW


async def test_points_that_went_are_not_counted_when_the_next_touch_comes(db: Database) -> None:
    world = World(db)
    await world.tell("form_submitted")
    for days in (0, 20, 32, 52):  # a page view counts for 30 days
        row = await world.tell("page", consents=(), at=NOW + days * DAY)
    assert (row.engagement, row.next_score_at) == (10, NOW + 62 * DAY)
    late = Incoming("late", NOW + 31 * DAY, email="anna@example.org", touch="page")
    await world.intake.take("site", [late], NOW + 52 * DAY)
    row = await world.lead("anna@example.org")
    assert (row.engagement, row.next_score_at) == (15, NOW + 61 * DAY)


async def test_a_lead_whose_points_were_never_summed_is_counted_from_its_touches(
    db: Database,
) -> None:
    world = World(db)
    await world.tell("form_submitted", at=NOW - DAY)
    row = await world.tell("page", consents=())
    async with db.write() as session:
        stored = await session.get(LeadRow, row.id)
        assert stored is not None
        stored.tally = None
    row = await world.tell("page", consents=())
    assert row.engagement == 10


async def test_a_late_page_view_may_be_the_first_touch(db: Database) -> None:
    world = World(db)
    await world.tell("form_submitted")
    row = await world.tell("page", consents=(), at=NOW - DAY)
    assert row.first_touch_at == NOW - DAY


async def test_the_touch_that_crosses_the_threshold_does_not_pass_by(db: Database) -> None:
    world = World(db)
    await world.tell("form_submitted", at=NOW - DAY, traits={"occupation": "pro"})
    messages = [
        Incoming(f"p{n}", NOW, email="anna@example.org", touch="page", properties={"n": n})
        for n in range(6)
    ]
    await world.intake.take("site", messages[:2], NOW)
    assert await world.rows(HandoverRow) == []
    await world.intake.take("site", messages[2:], NOW)
    await world.intake.take("site", [_demo()], NOW)
    [handover] = await world.rows(HandoverRow)
    assert (await world.lead("anna@example.org")).stage == "mql"
    assert handover.trigger == "score"


async def test_a_lead_of_an_earlier_playbook_takes_the_long_way(db: Database) -> None:
    world = World(db)
    await world.tell("form_submitted", at=NOW - DAY, traits={"occupation": "pro"})
    async with db.write() as session:
        stored = await session.get(LeadRow, (await world.lead("anna@example.org")).id)
        assert stored is not None
        stored.scored_by, stored.fit = "an earlier one", 0
    row = await world.tell("page", consents=())
    assert (row.fit, row.engagement) == (30, 5)


async def test_a_trait_told_again_is_newer_and_one_told_anew_is_taken(db: Database) -> None:
    world = World(db)
    await world.tell("form_submitted", traits={"city": "Aarhus"})
    await world.tell("page", consents=(), traits={"city": "Aarhus"}, at=NOW + 2 * DAY)
    row = await world.tell("page", consents=(), traits={"city": "Odense"}, at=NOW + DAY)
    assert row.traits["city"] == "Aarhus"
    row = await world.tell("page", consents=(), traits={"city": "Odense"}, at=NOW + 3 * DAY)
    assert row.traits["city"] == "Odense"


def _demo() -> Incoming:
    return Incoming("demo", NOW, email="anna@example.org", touch="demo_requested")
