"""Who comes into a flow, when its turn is, and when again; on both databases."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import update

from nurture.domain import topics
from nurture.domain.calendar import Span
from nurture.domain.enrolment import CONDITION, Entry
from nurture.domain.errors import InputError
from nurture.domain.flow import Paused, WaitUntil
from nurture.enrolling import Enrolling, look_again
from nurture.playbook.conditions import Conditions
from nurture.playbook.durations import Durations
from nurture.store import enrolments
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, LeadRow, WakeupRow
from nurture.upkeep.relay import Relay
from tests.support.domain import DAY, HOUR, NOW, when
from tests.support.playbook import PLAYBOOK
from tests.support.world import OneBook, World

HOT = when(lambda facts: facts.lead.traits.get("occupation") == "hot", topics.LEAD)
ON_FORM = frozenset({topics.touch("form_submitted")})
BEFORE_ITS_DATE = Entry(
    frozenset({topics.LEAD}), date=WaitUntil(trait="occupation", offset=-7 * DAY)
)


def world(db: Database, entry: Entry, **flow: object) -> World:
    """Only the flow `welcome` can be entered."""
    flows = {**PLAYBOOK.flows, "welcome": replace(PLAYBOOK.flows["welcome"], goal=None, **flow)}  # type: ignore[arg-type]
    entries = {"welcome": entry, "win-back": Entry(frozenset(), again=Span(90 * DAY))}
    return World(db, OneBook(replace(PLAYBOOK, flows=flows, entries=entries)))


async def runs(world: World) -> list[EnrolmentRow]:
    return sorted(await world.rows(EnrolmentRow), key=lambda row: row.started_at)


async def _look(world: World, at: datetime) -> None:
    await Relay(world.outbox, world.shelf, world.reactions, lambda: at).look()


async def leave(world: World) -> None:
    """Everybody's run is over."""
    async with world.db.write() as session:
        for row in await runs(world):
            row.ended, row.ended_at = "finished", NOW
            await session.merge(row)


async def test_a_lead_enters_when_a_condition_becomes_true(db: Database) -> None:
    house = world(db, Entry(frozenset({CONDITION}), when=HOT))
    await house.tell("page", traits={"occupation": "cold"})
    assert await runs(house) == []
    await house.tell("page", traits={"occupation": "hot"}, at=NOW + DAY)
    assert len(await runs(house)) == 1


async def test_it_enters_again_only_when_the_condition_did_not_hold_in_between(
    db: Database,
) -> None:
    house = world(db, Entry(frozenset({CONDITION}), when=HOT, lapse=True))
    await house.tell("page", traits={"occupation": "hot"})
    await leave(house)
    await house.tell("page", at=NOW + DAY)
    assert len(await runs(house)) == 1, "it held all the time"
    await house.tell("page", traits={"occupation": "cold"}, at=NOW + 2 * DAY)
    await house.tell("page", traits={"occupation": "hot"}, at=NOW + 3 * DAY)
    assert len(await runs(house)) == 2


async def test_a_cap_a_day_spreads_those_who_come_at_once(db: Database) -> None:
    house = world(db, Entry(ON_FORM, a_day=24))
    for number in range(30):
        await house.tell("form_submitted", email=f"l{number}@example.org")
    starts = [row.started_at for row in await runs(house)]
    assert starts[0] == NOW
    assert len([start for start in starts if start < NOW + DAY]) <= 25
    hours = {start.replace(minute=0, second=0, microsecond=0) for start in starts}
    assert len(hours) == 30, "one an hour, each at its own minute"
    later = {row.claimed_until for row in await house.rows(WakeupRow)}
    assert set(starts[1:]) <= later, "the relay starts each when its turn has come"


async def test_imported_leads_do_not_start_at_once(db: Database) -> None:
    house = world(db, Entry(ON_FORM))
    for number in range(40):
        await house.tell("form_submitted", email=f"l{number}@example.org", source="import")
    starts = [row.started_at for row in await runs(house)]
    assert sum(start <= NOW + timedelta(seconds=1) for start in starts) <= 12, "ten a second"
    assert max(starts) > NOW + timedelta(seconds=3)


@pytest.mark.parametrize(
    "entry",
    [Entry(ON_FORM, opens=NOW + DAY), Entry(ON_FORM, closes=NOW)],
    ids=["not open yet", "closed"],
)
async def test_nobody_enters_before_the_start_or_after_the_end(db: Database, entry: Entry) -> None:
    house = world(db, entry)
    await house.tell("form_submitted")
    assert await runs(house) == []


async def test_nobody_enters_a_paused_flow(db: Database) -> None:
    house = world(db, Entry(ON_FORM), paused=Paused.HOLD)
    await house.tell("form_submitted")
    assert await runs(house) == []


async def test_a_date_that_becomes_known_brings_a_lead_in_unless_it_is_past(db: Database) -> None:
    house = world(db, BEFORE_ITS_DATE)
    past, ahead = (NOW + 6 * DAY).isoformat(), (NOW + 8 * DAY).isoformat()
    await house.tell("page", email="a@example.org", traits={"occupation": past})
    await house.tell("page", email="b@example.org", traits={"occupation": ahead})
    assert [row.lead_id for row in await runs(house)] == [(await house.lead("b@example.org")).id]


async def _apply(house: World, entry: Entry, at: datetime) -> None:
    """Another entry, and every lead settled by it."""
    shelf = cast(OneBook, house.shelf)
    entries = {**shelf.book.entries, "welcome": entry}
    shelf.book = replace(shelf.book, hash="another", entries=entries)
    while await house.rescoring.page(at):
        pass


async def test_a_date_that_was_known_before_the_flow_brings_a_lead_in_once(db: Database) -> None:
    house = world(db, Entry(ON_FORM))
    past, ahead = (NOW + 6 * DAY).isoformat(), (NOW + 8 * DAY).isoformat()
    await house.tell("page", email="a@example.org", traits={"occupation": past})
    await house.tell("page", email="b@example.org", traits={"occupation": ahead})
    await _apply(house, BEFORE_ITS_DATE, NOW)
    assert [row.lead_id for row in await runs(house)] == [(await house.lead("b@example.org")).id]
    await leave(house)
    await house.tell("page", email="b@example.org", at=NOW + DAY)
    assert len(await runs(house)) == 1


@pytest.mark.parametrize("touched", [False, True])
async def test_who_told_a_date_before_the_flow_begins_enters_when_it_does(
    db: Database, touched: bool
) -> None:
    house = world(db, Entry(ON_FORM))
    await house.tell("page", traits={"occupation": (NOW + 60 * DAY).isoformat()})
    await _apply(house, replace(BEFORE_ITS_DATE, opens=NOW + 20 * DAY), NOW)
    await house.tell("page", consents=(), at=NOW + DAY)
    assert await runs(house) == []
    if touched:
        await house.tell("page", consents=(), at=NOW + 20 * DAY)
    await _look(house, NOW + 20 * DAY)
    assert [row.started_at for row in await runs(house)] == [NOW + 20 * DAY]


SILENT = Conditions({}, [], [], ["form_submitted"], Durations()).compile(
    'touches.since("form_submitted") >= 30'
)


@pytest.mark.parametrize("lapse", [True, False])
async def test_a_lead_enters_when_time_alone_makes_the_condition_true(
    db: Database, lapse: bool
) -> None:
    again = None if lapse else Span(35 * DAY)
    house = world(db, Entry(frozenset({CONDITION}), when=SILENT, again=again, lapse=lapse))
    await house.tell("form_submitted")
    await _look(house, NOW + 29 * DAY)
    assert await runs(house) == []
    await _look(house, NOW + 31 * DAY)
    [run] = await runs(house)
    assert run.started_at == NOW + 31 * DAY
    await leave(house)
    await house.tell("form_submitted", at=NOW + 40 * DAY)
    await _look(house, NOW + 71 * DAY)
    assert len(await runs(house)) == 2


async def test_who_still_fulfils_the_condition_enters_again_after_so_long_whatever_it_does(
    db: Database,
) -> None:
    house = world(db, Entry(frozenset({CONDITION}), when=HOT, again=Span(90 * DAY)))
    await house.tell("page", traits={"occupation": "hot"})
    await leave(house)
    await house.tell("page", consents=(), at=NOW + 40 * DAY)
    await _look(house, NOW + 89 * DAY)
    assert len(await runs(house)) == 1
    await _look(house, NOW + 90 * DAY)
    assert [row.started_at for row in await runs(house)] == [NOW, NOW + 90 * DAY]


@pytest.mark.parametrize("under_way", [False, True])
@pytest.mark.parametrize(("upgraded", "again"), [(40, 90), (100, 100)])
async def test_who_was_silent_since_before_the_release_that_looks_again_enters_again_too(
    db: Database, upgraded: int, again: int, under_way: bool
) -> None:
    """Nothing was due of it. A run under way is followed by the next one when it ends."""
    house = world(db, Entry(frozenset({CONDITION}), when=HOT, again=Span(90 * DAY)))
    await house.tell("page", traits={"occupation": "hot"})
    if not under_way:
        await leave(house)
    async with db.write() as session:
        await session.execute(update(LeadRow).values(scored_by="another", next_score_at=None))
    assert await house.rescoring.page(NOW + upgraded * DAY) == 1
    for day in (upgraded, 90, 200):
        await _look(house, NOW + max(day, upgraded) * DAY)
    began = [row.started_at for row in await runs(house)]
    assert began[:2] == ([NOW] if under_way else [NOW, NOW + again * DAY])


async def test_who_fulfils_it_no_more_does_not(db: Database) -> None:
    house = world(db, Entry(frozenset({CONDITION}), when=HOT, again=Span(90 * DAY)))
    await house.tell("page", traits={"occupation": "hot"})
    await leave(house)
    await house.tell("page", traits={"occupation": "cold"}, at=NOW + 40 * DAY)
    await _look(house, NOW + 90 * DAY)
    assert len(await runs(house)) == 1
    assert (await house.lead("anna@example.org")).next_score_at is None


async def test_who_fulfils_a_new_condition_already_enters_with_the_next_thing_heard_of_it(
    db: Database,
) -> None:
    house = world(db, Entry(frozenset(), when=SILENT))
    await house.tell("form_submitted")
    await _apply(house, Entry(frozenset({CONDITION}), when=SILENT), NOW + 40 * DAY)
    assert await runs(house) == []
    await house.tell("page", at=NOW + 41 * DAY)
    assert len(await runs(house)) == 1


async def test_who_was_brought_in_before_the_condition_held_enters_by_itself_once_it_does(
    db: Database,
) -> None:
    house = world(db, Entry(ON_FORM, when=HOT, lapse=True))
    await house.tell("page", traits={"occupation": "cold"})
    await Enrolling(db, house.shelf).by_hand("anna@example.org", "welcome", "ida", NOW)
    await leave(house)
    await house.tell("page", consents=(), at=NOW + DAY)
    await house.tell("form_submitted", traits={"occupation": "hot"}, at=NOW + 2 * DAY)
    assert len(await runs(house)) == 2


async def test_an_operator_brings_a_lead_in_by_hand(db: Database) -> None:
    house = world(db, Entry(frozenset()))
    await house.tell("page")
    enrolling = Enrolling(db, house.shelf)
    await enrolling.by_hand("anna@example.org", "welcome", "ida", NOW)
    [run] = await runs(house)
    assert (run.reason, run.started_at) == ("by hand (ida)", NOW)
    house.alarm.woken.clear()
    await house.outbox.relay(NOW)
    assert ("enrolment", run.id) in house.alarm.woken, "the worker starts it at its next look"


@pytest.mark.parametrize(
    ("lead", "flow", "problem"),
    [
        ("nobody@example.org", "welcome", "no lead goes by this name"),
        ("anna@example.org", "welcom", 'did you mean "welcome"'),
        ("anna@example.org", "welcome", "is in this flow already"),
    ],
)
async def test_by_hand_says_why_a_lead_cannot_enter(
    db: Database, lead: str, flow: str, problem: str
) -> None:
    house = world(db, Entry(ON_FORM))
    await house.tell("form_submitted")
    with pytest.raises(InputError, match=problem):
        await Enrolling(db, house.shelf).by_hand(lead, flow, "ida", NOW)


async def test_by_hand_says_that_a_lead_may_not_enter_yet_or_any_more(db: Database) -> None:
    house = world(db, Entry(ON_FORM, again=Span(9 * DAY), closes=NOW + 5 * DAY))
    enrolling = Enrolling(db, house.shelf)
    await house.tell("form_submitted")
    await leave(house)
    with pytest.raises(InputError) as again:
        await enrolling.by_hand("anna@example.org", "welcome", "ida", NOW + DAY)
    assert str(again.value) == (
        "anna@example.org: the lead was in this flow before, and `again` does not let it in yet"
    )
    await house.tell("page", email="bo@example.org")
    with pytest.raises(InputError) as over:
        await enrolling.by_hand("bo@example.org", "welcome", "ida", NOW + 6 * DAY)
    assert str(over.value) == "bo@example.org: the lead is erased, or the flow is not open now"


async def test_by_hand_does_not_enter_a_draft(db: Database) -> None:
    house = world(db, Entry(ON_FORM), live=False)
    await house.tell("page")
    with pytest.raises(InputError, match="welcome: the flow is a draft, or paused"):
        await Enrolling(db, house.shelf).by_hand("anna@example.org", "welcome", "ida", NOW)


async def test_who_left_a_flow_cannot_be_taken_out_of_it(db: Database) -> None:
    house = world(db, Entry(ON_FORM))
    await house.tell("form_submitted")
    await leave(house)
    [run] = await runs(house)
    with pytest.raises(InputError, match="the lead is not in this flow any more"):
        await Enrolling(db, house.shelf).take_out(run.lead_id, run.id, NOW)


async def test_of_two_flows_that_hold_a_mail_the_one_with_priority_is_known_to_the_other(
    db: Database,
) -> None:
    flows = {
        name: replace(PLAYBOOK.flows["welcome"], id=name, goal=None) for name in ("low", "high")
    }
    flows["high"] = replace(flows["high"], mail=replace(flows["high"].mail, priority=9))
    entries = {name: Entry(ON_FORM) for name in flows}
    senders = dict.fromkeys(flows, "courses")
    book = replace(PLAYBOOK, flows=flows, entries=entries, sender_of=senders)
    house = World(db, OneBook(book))
    await house.tell("form_submitted")
    anna = await house.lead("anna@example.org")
    async with db.write() as session:
        runs = {run.flow: run for run in await enrolments.of_lead(session, anna.id)}
        low, high = runs["low"], runs["high"]
        assert await enrolments.held_mails(session, book, low) == ()
        enrolments.move(high, enrolments.cursor(high), NOW + DAY, (), "frequency_cap")
        await session.flush()
        assert await enrolments.held_mails(session, book, low) == (9,)
        assert await enrolments.held_mails(session, book, high) == ()


async def test_whom_a_colleague_took_out_is_not_brought_back_before_it_does_something(
    db: Database,
) -> None:
    house = world(db, Entry(frozenset({CONDITION}), when=HOT, again=Span(2 * DAY)))
    lead = await house.tell("page", traits={"occupation": "hot"})
    [run] = await runs(house)
    await _look(house, NOW + 2 * DAY)  # it is still inside
    enrolling, later = Enrolling(db, house.shelf), NOW + 4 * DAY
    await enrolling.take_out(lead.id, run.id, later)
    async with db.write() as session:
        row, ended = await session.get(LeadRow, lead.id), await session.get(EnrolmentRow, run.id)
        assert row is not None
        assert ended is not None
        look_again(house.shelf.book, row, ended, later)
    await _look(house, later)
    assert len(await runs(house)) == 1
    await house.tell("page", at=later + HOUR)
    assert len(await runs(house)) == 2
