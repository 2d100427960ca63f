"""One lead told: its score with every point of it, and its history."""

from dataclasses import replace

from nurture.domain.lifecycle import SALES
from nurture.domain.scoring import EngagementRule
from nurture.store.database import Database
from nurture.store.tables import StageChangeRow
from tests.support.domain import DAY, NOW
from tests.support.playbook import PLAYBOOK, SCORING
from tests.support.world import OneBook, World


async def test_the_total_is_the_sum_of_its_reasons_also_while_a_rule_set_is_being_applied(
    db: Database,
) -> None:
    world = World(db, book := OneBook())
    await world.tell("page")
    pages = EngagementRule("pages", 70, "page", lasts=30 * DAY)
    book.book = replace(PLAYBOOK, hash="p2", scoring=replace(SCORING, engagement=(pages,)))
    for waits in (True, False):
        told = await world.reports.lead("anna@example.org", NOW)
        assert told
        assert told["score"]["total"] == 70
        assert told["score"]["total"] == sum(each["points"] for each in told["score"]["reasons"])
        assert told["score"]["waits"] is waits, "whether stage and flows are of these rules"
        await world.rescoring.page(NOW)


async def test_points_that_end_this_moment_are_neither_told_nor_counted(db: Database) -> None:
    world = World(db)
    await world.tell("page")
    told = await world.reports.lead("anna@example.org", NOW + 30 * DAY)
    assert told
    assert (told["score"]["total"], told["score"]["reasons"]) == (0, [])


async def test_every_point_names_its_touch_when_it_was_and_when_it_ends(db: Database) -> None:
    video = EngagementRule("video", 8, "video_played", half_life=7 * DAY)
    rules = replace(SCORING, engagement=(*SCORING.engagement, video))
    world = World(db, OneBook(replace(PLAYBOOK, scoring=rules)))
    await world.tell("page", at=NOW - 20 * DAY)
    await world.tell("page")
    await world.tell("video_played")
    told = await world.reports.lead("anna@example.org", NOW)
    assert told
    pages, watched = told["score"]["reasons"]
    assert (pages["touch"], pages["fading"]) == ("page", False)
    assert (watched["touch"], watched["fading"]) == ("video_played", True)
    assert [(each["points"], each["at"], each["expires_at"]) for each in pages["touches"]] == [
        (5, NOW.isoformat(), (NOW + 30 * DAY).isoformat()),
        (5, (NOW - 20 * DAY).isoformat(), (NOW + 10 * DAY).isoformat()),
    ]


async def test_the_history_of_two_leads_that_are_one_stands_in_order(db: Database) -> None:
    world = World(db)
    await world.tell("page", email=None, anonymous_id="b1", at=NOW - 5 * DAY)
    await world.tell("demo_requested", at=NOW - 3 * DAY, traits={"occupation": "pro"})
    await world.stages.move("anna@example.org", "sql", SALES, "", NOW - 2 * DAY)
    await world.tell("page", anonymous_id="b1", at=NOW)
    await world.stages.move("anna@example.org", "customer", SALES, "", NOW + DAY)
    told = await world.reports.lead("anna@example.org", NOW)
    assert told
    for history in ("stage_history", "consent_history"):
        times = [each["at"] for each in told[history]]
        assert times == sorted(times)
    assert [each["to_stage"] for each in told["stage_history"]][-2:] == ["sql", "customer"]
    assert told["traits_at"] == {"occupation": (NOW - 3 * DAY).isoformat()}


async def test_a_history_is_told_to_its_end_however_long_it_is(db: Database) -> None:
    world = World(db)
    lead = await world.tell("page")
    async with db.write() as session:
        session.add_all(
            StageChangeRow(
                lead_id=lead.id, to_stage="sql", at=NOW + n * DAY, by=SALES, way="lead>sql"
            )
            for n in range(1, 203)
        )
    told = await world.reports.lead("anna@example.org", NOW)
    assert told
    assert len(told["stage_history"]) == 204
    assert told["stage_history"][-1]["at"] == (NOW + 202 * DAY).isoformat()
