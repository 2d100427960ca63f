"""Touches in: identity, scores, stages, flows, consent, wake-ups, each in one transaction."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from nurture.domain import topics
from nurture.domain.consent import EMAIL_MARKETING, TRACKING, ConsentRecord
from nurture.domain.enrolment import Entry
from nurture.domain.errors import Transient
from nurture.incoming import Incoming
from nurture.store import leads
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import (
    ConsentRow,
    EnrolmentRow,
    StageChangeRow,
    TouchRow,
    WakeupRow,
)
from nurture.upkeep.relay import Relay
from tests.support.domain import COPENHAGEN, DAY, HOUR, NOW
from tests.support.playbook import PLAYBOOK
from tests.support.waiting import until
from tests.support.world import OneBook, World

LATER = timedelta(seconds=1)


async def test_a_page_view_of_a_stranger_makes_a_visitor_and_wakes_nobody(db: Database) -> None:
    world = World(db)
    row = await world.tell("page", email=None, anonymous_id="browser-1")
    assert row.stage == "visitor"
    assert world.alarm.woken == []


async def test_a_form_makes_a_lead_that_enters_the_welcome_flow(db: Database) -> None:
    world = World(db)
    row = await world.tell("form_submitted", traits={"first_name": "Anna"})
    [run] = await world.rows(EnrolmentRow)
    assert (row.stage, row.traits) == ("lead", {"first_name": "Anna"})
    assert (run.flow, run.step) == ("welcome", "hello")
    assert world.alarm.woken == [("enrolment", run.id)]


@pytest.mark.parametrize(
    ("source", "day", "ago", "flows"),
    [
        ("shop", DAY, 2 * DAY, ["welcome"]),
        ("shop", DAY, 2 * DAY + LATER, []),
        ("shop", HOUR, 2 * HOUR, ["welcome"]),  # a clock that runs ahead
        ("shop", HOUR, 2 * HOUR + LATER, []),
        ("form/contact", DAY, 9 * DAY, ["welcome"]),  # taken out of quarantine by hand
    ],
)
async def test_a_history_that_is_brought_along_starts_no_flow(
    db: Database, source: str, day: timedelta, ago: timedelta, flows: list[str]
) -> None:
    """What a telephone tells a day late does."""
    entry = Entry(on=frozenset({topics.touch("form_submitted")}))
    world = World(db, OneBook(replace(PLAYBOOK, entries={"welcome": entry}, day=day)))
    message = Incoming("old", NOW - ago, email="anna@example.org", touch="form_submitted")
    await world.intake.take(source, [message], NOW)
    assert [run.flow for run in await world.rows(EnrolmentRow)] == flows
    assert [touch.name for touch in await world.rows(TouchRow)] == ["form_submitted"]


@pytest.mark.parametrize(("ago", "flows"), [(DAY, ["welcome"]), (30 * DAY, [])])
@pytest.mark.parametrize(
    "said",
    [{"touch": "order_completed", "properties": {"amount": 500}}, {"stage": "customer"}],
)
async def test_who_became_a_customer_long_ago_is_not_welcomed_as_one_today(
    db: Database, said: dict[str, Any], ago: timedelta, flows: list[str]
) -> None:
    entry = Entry(on=frozenset({topics.STAGE}), stage="customer")
    world = World(db, OneBook(replace(PLAYBOOK, entries={"welcome": entry})))
    told = Incoming("old", NOW - ago, email="anna@example.org", trusted=True, **said)
    await world.intake.take("shop", [told], NOW)
    assert (await world.lead("anna@example.org")).stage == "customer"
    assert [run.flow for run in await world.rows(EnrolmentRow)] == flows


async def test_the_history_of_a_browser_joins_the_lead_that_identifies_in_it(db: Database) -> None:
    world = World(db)
    await world.tell("page", email=None, anonymous_id="browser-1")
    await world.tell("page", email=None, anonymous_id="browser-2")
    await world.tell("form_submitted", anonymous_id="browser-1")
    row = await world.tell(None, anonymous_id="browser-2")
    touches = [touch.lead_id for touch in await world.rows(TouchRow)]
    assert touches == [row.id] * 4
    assert row.engagement == 10


async def test_two_persons_at_one_browser_stay_two(db: Database) -> None:
    world = World(db)
    anna = await world.tell("form_submitted", email="anna@example.org", anonymous_id="family")
    bo = await world.tell(
        "form_submitted", email="bo@example.org", anonymous_id="family", trusted=False
    )
    assert anna.id != bo.id
    assert (await world.lead("anna@example.org")).id == anna.id


async def test_a_batch_sent_twice_has_no_second_effect(db: Database) -> None:
    world = World(db)
    messages = [Incoming(f"m{n}", NOW, anonymous_id="browser", touch="page") for n in range(3)]
    first = await world.intake.take("site", messages, NOW)
    second = await world.intake.take("site", messages, NOW + DAY)
    assert (first.accepted, first.duplicates) == (3, 0)
    assert (second.accepted, second.duplicates) == (0, 3)
    assert len(await world.rows(TouchRow)) == 3


@pytest.mark.parametrize("zone", ["Europe", "America/Argentina", "Europe/" + "x" * 300])
async def test_a_time_zone_that_is_none_costs_nobody_anything(db: Database, zone: str) -> None:
    world = World(db)
    zones = {"odd@firm.dk": zone, "good@firm.dk": "Europe/Copenhagen"}
    messages = [
        Incoming(email, NOW, email=email, traits={"timezone": name}, trusted=True)
        for email, name in zones.items()
    ]
    assert (await world.intake.take("import", messages, NOW)).accepted == 2
    found = {email: leads.as_lead(await world.lead(email)).zone for email in zones}
    assert found == {"odd@firm.dk": None, "good@firm.dk": COPENHAGEN}


async def test_the_threshold_hands_the_lead_over_once(db: Database) -> None:
    world = World(db)
    await world.tell("form_submitted", traits={"occupation": "pro", "first_name": "Anna"})
    await world.tell("demo_requested")
    row = await world.tell("demo_requested", at=NOW + DAY)
    [handover] = await world.rows(HandoverRow)
    assert (row.stage, row.persona, row.sales_owned) == ("mql", "pro", True)
    assert (handover.owner, handover.trigger) == ("Anna", "score")
    assert handover.due_at == NOW + 2 * DAY
    assert ("handover", handover.id) in world.alarm.woken


async def test_owners_take_turns(db: Database) -> None:
    world = World(db)
    for name in ("a", "b", "c", "d"):
        await world.tell(
            "demo_requested", email=f"{name}@example.org", traits={"occupation": "pro"}
        )
    owners = sorted(row.owner for row in await world.rows(HandoverRow))
    assert owners == ["Anna", "Anna", "Bo", "Carla"]


async def test_the_stage_history_tells_every_step(db: Database) -> None:
    world = World(db)
    await world.tell("page", email=None, anonymous_id="browser-1")
    await world.tell("demo_requested", anonymous_id="browser-1", traits={"occupation": "pro"})
    steps = [(row.from_stage, row.to_stage) for row in await world.rows(StageChangeRow)]
    assert steps == [(None, "visitor"), ("visitor", "mql")]


async def test_expired_points_drop_the_score_without_a_new_touch(db: Database) -> None:
    world = World(db)
    await world.tell("page", at=NOW - timedelta(days=30))
    row = await world.lead("anna@example.org")
    assert row.engagement == 5
    await world.relay.look()
    row = await world.lead("anna@example.org")
    assert (row.engagement, row.next_score_at) == (0, None)


async def test_a_late_withdrawal_counts_although_an_older_consent_arrives_after_it(
    db: Database,
) -> None:
    world = World(db)
    refusal = ConsentRecord(EMAIL_MARKETING, False, NOW, "site")
    await world.tell("page", consents=(), at=NOW)
    message = Incoming("w", NOW, email="anna@example.org", consents=(refusal,))
    await world.intake.take("site", [message], NOW)
    row = await world.tell(None, at=NOW - DAY, consents=(EMAIL_MARKETING,))
    assert EMAIL_MARKETING not in row.consents


async def test_a_browser_cannot_grant_consent_but_can_withdraw_it(db: Database) -> None:
    world = World(db)
    granted = ConsentRecord(EMAIL_MARKETING, True, NOW, "browser")
    message = Incoming("w", NOW, email="anna@example.org", consents=(granted,))
    await world.intake.take("site", [message], NOW)
    assert (await world.lead("anna@example.org")).consents == []


@pytest.mark.parametrize(
    ("purpose", "who"),
    [
        (TRACKING, {"email": "anna@example.org"}),
        (TRACKING, {"user_id": "u"}),
        (EMAIL_MARKETING, {}),
    ],
)
async def test_a_browser_grants_nothing_in_the_name_of_a_person_nor_any_other_purpose(
    db: Database, purpose: str, who: dict[str, str]
) -> None:
    world = World(db)
    granted = ConsentRecord(purpose, True, NOW, "track/site")
    message = Incoming("w", NOW, anonymous_id="b1", consents=(granted,), **who)
    await world.intake.take("site", [message], NOW)
    assert await world.rows(ConsentRow) == []


async def test_what_a_visitor_says_of_being_watched_is_on_record_and_its_no_is_kept(
    db: Database,
) -> None:
    """However often it changes its mind, or says that it does."""
    world = World(db)
    said = [
        Incoming(
            f"s{n}",
            at := NOW + n * timedelta(seconds=1),
            anonymous_id="b1",
            consents=(ConsentRecord(TRACKING, n % 2 == 0, at, "track/site", f"words {n}"),),
        )
        for n in range(20)
    ]
    for message in said:
        await world.intake.take("site", [message], message.at)
    yes, no = await world.rows(ConsentRow)
    assert (yes.granted, yes.source, yes.wording) == (True, "browser/track/site", "words 0")
    assert (no.granted, no.source, no.again_at) == (False, "track/site", said[-1].at)
    assert yes.again_at == said[-2].at
    page = {"email": None, "anonymous_id": "b1", "trusted": False, "at": NOW + DAY}
    row = await world.tell("page", **page)
    assert (row.consents, row.declined) == ([], [TRACKING])
    assert "page" not in [touch.name for touch in await world.rows(TouchRow)]


async def test_who_took_tracking_back_is_not_watched_since_a_browser_says_yes(db: Database) -> None:
    world = World(db)
    anna = await world.tell(None, consents=(TRACKING,))
    await world.intake.withdraw(anna.id, TRACKING, "unsubscribe", NOW + DAY)
    later = NOW + 2 * DAY
    yes = ConsentRecord(TRACKING, True, later, "track/site")
    await world.intake.take(
        "site", [Incoming("y", later, anonymous_id="b1", consents=(yes,))], later
    )
    joined = Incoming("j", later, anonymous_id="b1", email="anna@example.org")
    await world.intake.take("site", [joined], later)
    row = await world.lead("b1")
    assert (row.id, row.consents, row.declined) == (anna.id, [], [TRACKING])


async def test_an_older_message_does_not_overwrite_a_newer_trait(db: Database) -> None:
    world = World(db)
    await world.tell(traits={"first_name": "Anna"}, at=NOW)
    row = await world.tell(traits={"first_name": "Ana", "occupation": "pro"}, at=NOW - DAY)
    assert row.traits == {"first_name": "Anna", "occupation": "pro"}


async def test_a_click_wakes_the_enrolment_that_listens_to_it(db: Database) -> None:
    world = World(db)
    await world.tell("form_submitted")
    async with db.write() as session:
        run = (await world.rows(EnrolmentRow))[0]
        stored = await session.get(EnrolmentRow, run.id)
        assert stored is not None
        stored.listens = ["touch:clicked"]
    world.alarm.woken.clear()
    await world.tell("page", at=NOW + DAY)
    assert world.alarm.woken == []
    await world.tell("clicked", at=NOW + DAY)
    assert world.alarm.woken == [("enrolment", run.id)]


async def test_wake_ups_wait_in_the_outbox_while_temporal_is_away(db: Database) -> None:
    world = World(db)
    world.alarm.down = Transient("temporal")
    await world.tell("form_submitted", at=NOW - DAY)
    assert len(await world.rows(WakeupRow)) == 1
    world.alarm.down = None
    handed_over, _ = await world.relay.look()
    assert handed_over == 1
    assert world.alarm.kinds() == ["enrolment"]
    assert await world.rows(WakeupRow) == []


def _beside(world: World, problem: Exception, done: list[datetime]) -> Relay:
    """A relay with a chore that fails, and behind it one that keeps when it was done."""

    async def fails(now: datetime) -> int:
        raise problem

    async def works(now: datetime) -> int:
        done.append(now)
        return 1

    chores = (fails, works)
    return Relay(world.outbox, world.shelf, world.reactions, lambda: NOW, chores=chores)


async def test_what_the_relay_does_beside_holds_up_no_wake_up(db: Database) -> None:
    world = World(db)
    world.alarm.down = Transient("temporal")
    await world.tell("form_submitted", at=NOW - DAY)
    world.alarm.down = None
    with pytest.raises(ValueError, match="a mistake"):
        await _beside(world, ValueError("a mistake"), []).look()
    assert world.alarm.kinds() == ["enrolment"]


async def test_a_chore_that_takes_long_holds_up_no_wake_up(db: Database) -> None:
    """Retention may have much to forget, and sales was promised something."""
    world, over, stop = World(db), asyncio.Event(), asyncio.Event()
    world.alarm.down = Transient("temporal")
    await world.tell("form_submitted", at=NOW - DAY)
    world.alarm.down = None

    async def long(now: datetime) -> int:
        await over.wait()
        return 1

    relay = Relay(world.outbox, world.shelf, world.reactions, lambda: NOW, chores=[long])
    async with asyncio.TaskGroup() as works:
        for work in (relay.tend, relay.run):
            works.create_task(work(stop))
        await until(world.alarm.kinds)
        over.set()
        stop.set()
    assert world.alarm.kinds() == ["enrolment"]


async def test_a_chore_that_has_to_wait_holds_up_no_other(db: Database) -> None:
    done: list[datetime] = []
    await _beside(World(db), Transient("database"), done).look()
    assert done == [NOW]


async def test_consent_withdrawn_takes_the_lead_off_the_audience(db: Database) -> None:
    world = World(db)
    row = await world.tell("form_submitted")
    async with db.write() as session:
        session.add(
            AudienceMemberRow(
                audience="hesitating",
                lead_id=row.id,
                by_step=True,
                desired=True,
                confirmed=True,
                since=NOW,
                changed_at=NOW,
                next_try_at=NOW,
            )
        )
    world.alarm.woken.clear()
    await world.intake.withdraw(row.id, "ad_audiences", "preferences", NOW + DAY)
    await world.outbox.drain()
    [member] = await world.rows(AudienceMemberRow)
    assert (member.desired, member.confirmed) == (False, True)
    assert ("audience", "hesitating") in world.alarm.woken


async def test_an_open_support_case_is_known_until_it_is_closed(db: Database) -> None:
    world = World(db)
    row = await world.tell("support_case_opened", properties={"product": "course-a"})
    assert row.cases == ["course-a"]
    row = await world.tell("support_case_closed", properties={"product": "course-a"}, at=NOW + DAY)
    assert row.cases == []


async def test_a_case_whose_close_arrives_before_its_opening_is_closed(db: Database) -> None:
    world = World(db)
    about = {"product": "course-a"}
    await world.tell("support_case_closed", properties=about, at=NOW + DAY)
    row = await world.tell("support_case_opened", properties=about)
    assert row.cases == []


async def test_of_two_cases_on_a_product_the_other_stays_open(db: Database) -> None:
    world = World(db)
    for case in ("1", "2"):
        await world.tell("support_case_opened", properties={"product": "a", "case": case})
    row = await world.tell("support_case_closed", properties={"product": "a", "case": "1"})
    assert row.cases == ["a"]
    row = await world.tell("support_case_closed", properties={"product": "a", "case": "2"})
    assert row.cases == []


async def test_a_case_closed_on_one_of_two_leads_stays_closed_when_they_are_joined(
    db: Database,
) -> None:
    world = World(db)
    about = {"product": "course-a"}
    await world.tell("support_case_opened", email=None, user_id="old", properties=about)
    await world.tell(
        "support_case_closed", email=None, user_id="new", properties=about, at=NOW + DAY
    )
    row = await world.tell(None, email=None, user_id="new", previous_id="old")
    assert row.cases == []


@pytest.mark.parametrize("told", [{"total": 40_000}, {"revenue": 40_000, "amount": None}])
async def test_segments_own_words_for_an_amount_are_understood(
    db: Database, told: dict[str, Any]
) -> None:
    world = World(db)
    await world.tell("order_completed", properties={**told, "currency": "DKK"})
    assert (await world.reports.summary(NOW))["kpi"]["revenue"] == 40_000


async def test_a_currency_means_the_same_in_small_letters(db: Database) -> None:
    world = World(db)
    await world.tell("order_completed", properties={"amount": 40_000, "currency": "dkk"})
    summary = await world.reports.summary(NOW)
    assert (summary["kpi"]["revenue"], summary["other_revenue"]) == (40_000, {})


async def test_an_order_makes_a_customer_with_revenue(db: Database) -> None:
    world = World(db)
    row = await world.tell("order_completed", properties={"amount": 40_000, "currency": "DKK"})
    summary = await world.reports.summary(NOW)
    assert row.stage == "customer"
    assert summary["kpi"]["revenue"] == 40_000
    assert summary["kpi"]["customers"] == 1


async def test_a_message_that_came_within_a_minute_is_known_again(db: Database) -> None:
    world = World(db)
    await world.tell("form_submitted", source="form/guide", message_id="m")
    just_before, minute = NOW - timedelta(seconds=1), timedelta(minutes=1)
    assert await world.intake.came("form/guide", "m", just_before)
    assert not await world.intake.came("form/guide", "m", just_before + minute)
    assert not await world.intake.came("form/other", "m", just_before)


@pytest.mark.parametrize("step", [timedelta(seconds=1), -timedelta(seconds=1)])
@pytest.mark.parametrize("purpose", [EMAIL_MARKETING, TRACKING])
async def test_a_no_is_one_entry_in_however_many_words_and_wherever_in_time_it_comes(
    db: Database, purpose: str, step: timedelta
) -> None:
    """Anybody can send thousands of them in a batch; each is not asked of the ledger."""
    world = World(db)
    await world.tell("page", consents=(EMAIL_MARKETING, TRACKING))
    said = [
        Incoming(
            f"no{n}",
            NOW + DAY + n * step,
            email="anna@example.org",
            consents=(ConsentRecord(purpose, False, NOW + DAY + n * step, "site", f"words {n}"),),
        )
        for n in range(200)
    ]
    asked: list[str] = []

    def hear(_: Any, __: Any, sql: str, *___: Any) -> None:
        asked.append(sql)

    event.listen(Engine, "before_cursor_execute", hear)
    await world.intake.take("site", said, NOW + DAY)
    event.remove(Engine, "before_cursor_execute", hear)
    rows = [row for row in await world.rows(ConsentRow) if not row.granted]
    assert [row.purpose for row in rows] == [purpose]
    assert purpose in (await world.lead("anna@example.org")).declined
    assert sum("FROM consent " in sql for sql in asked) < 5


async def test_a_lead_takes_no_more_traits_than_can_be_looked_at_and_its_other_news(
    db: Database,
) -> None:
    world = World(db)
    told: list[tuple[str | None, dict[str, Any]]] = [
        *((None, {f"t{part}-{n}": n for n in range(100)}) for part in range(5)),
        ("page", {"one_more": 1, "t0-0": "new"}),
        (None, {"t0-1": "new"}),
        (None, {"t0-2": "x" * 70_000}),
    ]
    said = [
        Incoming(f"m{n}", NOW + n * HOUR, email="anna@example.org", touch=touch, traits=traits)
        for n, (touch, traits) in enumerate(told)
    ]
    refused = dict((await world.intake.take("site", said, NOW + DAY)).refused)
    row = await world.lead("anna@example.org")
    assert len(row.traits) == 500
    assert [row.traits[f"t0-{n}"] for n in range(3)] == [0, "new", 2]
    assert (
        "all but its traits was taken: traits: a lead has 500 at most, and with these this"
        in refused["m5"]
    )
    assert "the lead's would be larger than 64 KB" in refused["m7"]
    assert [touch.name for touch in await world.rows(TouchRow)].count("page") == 1
