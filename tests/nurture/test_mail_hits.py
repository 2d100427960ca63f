"""Opens and clicks in our mails: a person's count, a machine's are kept with the reason."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from nurture.domain.consent import TRACKING, ConsentRecord
from nurture.domain.scoring import EngagementRule
from nurture.incoming import Incoming
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import ClickRow, ConsentRow, EnrolmentRow, MessageRow, TouchRow
from tests.support.domain import NOW
from tests.support.playbook import PLAYBOOK, SCORING
from tests.support.world import OneBook, World

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
async def world(db: Database) -> World:
    """Anna got one mail; a click is worth 8 points."""
    click = EngagementRule("clicks", 8, "clicked")
    book = replace(PLAYBOOK, scoring=replace(SCORING, engagement=(click,)))
    world = World(db, OneBook(book))
    await world.tell("form_submitted")
    [run] = await world.rows(EnrolmentRow)
    async with db.write() as session:
        session.add(
            MessageRow(
                id="mail",
                enrolment_id=run.id,
                step="hello",
                lead_id=run.lead_id,
                flow=run.flow,
                template="hello",
                sender="courses",
                state="accepted",
                claimed_at=NOW,
                sent_at=NOW,
            )
        )
    return world


async def _click(world: World, url: str, seconds: float) -> None:
    at = NOW + seconds * SECOND
    assert await world.intake.hit("mail", "clicked", {"url": url}, None, at)


async def _points(world: World, seconds: float = 120) -> int:
    """As they are then."""
    await world.clicks.page(NOW + seconds * SECOND)
    return (await world.lead("anna@example.org")).engagement


async def test_a_click_scores_once_no_other_followed_at_once(world: World) -> None:
    await _click(world, "https://x/a", 60)
    assert await _points(world, 61.9) == 0
    assert await _points(world, 62) == 8
    [mail] = await world.rows(MessageRow)
    assert mail.clicked_at == NOW + 60 * SECOND


async def test_a_click_counts_once_however_often_it_is_looked_at(world: World) -> None:
    await _click(world, "https://x/a", 60)
    assert await _points(world) == await _points(world) == 8
    assert await world.rows(ClickRow) == []


async def test_what_a_person_does_meanwhile_does_not_make_the_click_count(world: World) -> None:
    await _click(world, "https://x/a", 60)
    await world.tell("page", at=NOW + 61 * SECOND)
    assert (await world.lead("anna@example.org")).engagement == 0
    assert await _points(world) == 8


async def test_a_scanner_hands_nobody_over(world: World) -> None:
    """Not by the first step of its walk either, which looks like a person's."""
    await _worth_a_call(world)
    for number, url in enumerate("ab"):
        await _click(world, url, 60 + number * 0.5)
    assert await _points(world) == 0
    assert await world.rows(HandoverRow) == []


async def test_a_persons_click_that_is_worth_it_hands_over(world: World) -> None:
    await _worth_a_call(world)
    await _click(world, "a", 60)
    assert await world.rows(HandoverRow) == []
    assert await _points(world) == 100
    assert len(await world.rows(HandoverRow)) == 1


async def _worth_a_call(world: World) -> None:
    click = EngagementRule("clicks", 100, "clicked")
    assert isinstance(world.shelf, OneBook)
    world.shelf.book = replace(PLAYBOOK, scoring=replace(SCORING, engagement=(click,)))


async def test_a_click_of_who_was_erased_meanwhile_is_nobodys(world: World) -> None:
    await _click(world, "https://x/a", 60)
    await world.privacy.erase("anna@example.org", "operator", NOW + 61 * SECOND)
    assert await world.clicks.page(NOW + 62 * SECOND) == 1
    assert await world.clicks.page(NOW + 63 * SECOND) == 0


async def test_several_links_within_two_seconds_are_a_machine_walking_through(
    world: World,
) -> None:
    for number, url in enumerate("abc"):
        await _click(world, url, 60 + number * 0.5)
    await world.clicks.page(NOW + 120 * SECOND)
    clicks = [touch for touch in await world.rows(TouchRow) if touch.name == "clicked"]
    assert {touch.machine for touch in clicks} == {"several links at once"}
    assert await _points(world) == 0
    [mail] = await world.rows(MessageRow)
    assert (mail.opened_at, mail.clicked_at) == (None, None)


async def test_a_machine_behind_a_person_takes_nothing_from_what_the_person_did(
    world: World,
) -> None:
    await world.intake.hit("mail", "opened", {}, None, NOW + 30 * SECOND)
    await _click(world, "a", 60)
    for number, url in enumerate("abc"):
        await _click(world, url, 90 + number * 0.5)
    await world.clicks.page(NOW + 120 * SECOND)
    [mail] = await world.rows(MessageRow)
    assert (mail.opened_at, mail.clicked_at) == (NOW + 30 * SECOND, NOW + 60 * SECOND)


async def test_a_double_click_and_a_second_link_later_are_a_persons(world: World) -> None:
    await _click(world, "a", 60)
    await _click(world, "a", 60.3)
    await _click(world, "b", 63)
    assert await _points(world) == 24


async def test_a_click_in_a_mail_we_never_sent_is_not_known(world: World) -> None:
    assert not await world.intake.hit("another", "clicked", {"url": "a"}, None, NOW)


async def test_who_took_tracking_back_is_not_watched_any_more(world: World) -> None:
    """Not by links of mails sent before, nor on pages; what a person does on purpose counts as ever."""
    anna = await world.lead("anna@example.org")
    await world.intake.withdraw(anna.id, TRACKING, "preferences", NOW + SECOND)
    assert not await world.intake.hit("mail", "opened", {}, None, NOW + 60 * SECOND)
    assert not await world.intake.hit("mail", "clicked", {"url": "x"}, None, NOW + 60 * SECOND)
    for touch in ("page", "screen", "video_played"):
        await world.tell(touch, consents=(), trusted=False, traits={"country": "DK"})
    kept = {row.name for row in await world.rows(TouchRow)}
    assert kept == {"form_submitted", "unsubscribed", "video_played"}
    assert (await world.lead("anna@example.org")).traits == {"country": "DK"}
    await world.tell("form_submitted", at=NOW + 2 * MINUTE, consents=(TRACKING,))
    await world.tell("page", at=NOW + 3 * MINUTE, consents=())
    assert "page" in {row.name for row in await world.rows(TouchRow)}


async def test_nor_by_what_comes_in_the_same_batch(world: World) -> None:
    """A browser or a relay hands in several messages at once; each counts as if it had come alone, in its order."""
    batch = [
        Incoming(
            name,
            NOW + minutes * MINUTE,
            email="anna@example.org",
            touch=touch,
            trusted=True,
            consents=tuple(
                ConsentRecord(TRACKING, given, NOW + minutes * MINUTE, "form") for given in said
            ),
        )
        for name, minutes, touch, said in (
            ("before", 1, "page", ()),
            ("no", 2, "page", (False,)),
            ("after", 3, "page", ()),
            ("yes", 4, None, (True,)),
            ("again", 5, "page", ()),
        )
    ]
    await world.intake.take("site", batch, NOW + 5 * MINUTE)
    pages = [row.at for row in await world.rows(TouchRow) if row.name == "page"]
    assert sorted(pages) == [NOW + MINUTE, NOW + 5 * MINUTE]
    said = [row.granted for row in await world.rows(ConsentRow) if row.purpose == TRACKING]
    assert said == [False, True]


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What the database is asked."""
    found: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    yield found
    event.remove(Engine, "before_cursor_execute", hear)


async def test_a_list_of_leads_who_may_be_watched_is_read_all_at_once(
    world: World, asked: list[str]
) -> None:
    said = (ConsentRecord(TRACKING, True, NOW, "list"),)
    batch = [
        Incoming(name, NOW, email=f"{name}@x.example", consents=said, trusted=True)
        for name in ("bo", "carla", "dan")
    ]
    asked.clear()
    await world.intake.take("import", batch, NOW)
    assert len([each for each in asked if "FROM consent " in each.replace("\n", " ")]) == 1
    assert (await world.lead("dan@x.example")).consents == [TRACKING]
