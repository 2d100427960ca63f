"""An audience is kept as the playbook wants it, whatever the platform, the marketer and the machine do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import insert, update

from embedded.ads.faults import Fault
from nurture.audiences.keeper import AudienceKeeper
from nurture.audiences.view import AudienceView, ask_renewal, in_words, switch
from nurture.delivery.ads.hashing import sha256
from nurture.domain.consent import AD_AUDIENCES, ConsentRecord
from nurture.domain.errors import InputError
from nurture.domain.scoring import EngagementRule
from nurture.incoming import Incoming
from nurture.ports import NOT_TRIED, Applied, AudienceSink, Identifiers, Person
from nurture.store import ad_lists, audiences
from nurture.store.audience_tables import AdRequestRow, AudienceMemberRow
from nurture.store.backlog import backlog
from nurture.store.database import Database
from nurture.store.tables import LeadRow
from nurture.store.vitals import vitals
from tests.support.domain import DAY, HOUR, NEVER_TRUE, When, when
from tests.support.lists import PROS, Lists
from tests.support.playbook import SCORING

MINUTE = timedelta(minutes=1)
STORM = {"error": {"code": 80003, "message": "too many calls"}}


@pytest.fixture
async def lists(db: Database) -> Lists:
    return Lists(db)


async def test_a_rule_makes_members_and_a_batch_is_no_larger_than_allowed(lists: Lists) -> None:
    ids = {await lists.tell(n) for n in range(7)}
    await lists.tell(8, pro=False)
    await lists.settle()
    assert lists.members() == ids
    assert lists.platform.record.count == 3


async def test_a_withdrawn_consent_goes_out_before_any_addition(lists: Lists) -> None:
    ids = [await lists.tell(n) for n in range(3)]
    await lists.settle()
    await lists.tell(5)
    await lists.withdraw(ids[0])
    await lists.settle()
    assert [call["method"] for call in lists.platform.record.requests] == ["POST", "DELETE", "POST"]


async def test_who_objects_leaves_before_all_others(lists: Lists) -> None:
    ids = [await lists.tell(n) for n in range(6)]
    await lists.settle()
    lists.later(HOUR)
    for n in range(5):
        await lists.tell(n, pro=False)
    lists.later(HOUR)
    await lists.withdraw(ids[5])
    lists.sink.dies = ["", "before"]
    await lists.sync()
    assert ids[5] not in lists.members()
    assert len(lists.members()) == 4


async def test_who_objects_leaves_in_between_the_additions_of_others(lists: Lists) -> None:
    lead = await lists.tell(0)
    await lists.settle()
    for n in range(1, 10):
        await lists.tell(n)
    withdraw = [lists.withdraw(lead)]

    async def add(audience: str, people: Sequence[Person]) -> Applied:
        while withdraw:
            await withdraw.pop()
        return await lists.sink.inner.add(audience, people)

    lists.sink.add = add  # type: ignore[method-assign]
    await lists.sync()
    methods = [call["method"] for call in lists.platform.record.requests]
    assert methods == ["POST", "POST", "DELETE", "POST", "POST"]


async def test_who_may_have_arrived_is_taken_off_too(lists: Lists) -> None:
    lead = await lists.tell(1)
    lists.platform.faults.add(Fault("reset_after"))
    await lists.sync()
    await lists.withdraw(lead)
    await lists.settle()
    assert lists.members() == set()


async def test_a_storm_of_429_costs_one_call_each_time(lists: Lists) -> None:
    for n in range(9):
        await lists.tell(n)
    lists.platform.faults.add(Fault("answer", times=6, status=400, body=STORM))
    for _ in range(6):
        before = lists.platform.record.count
        look = await lists.sync()
        assert lists.platform.record.count == before + 1
        assert look is not None
        assert look.at is not None
        await lists.sync()
        assert lists.platform.record.count == before + 1
        lists.now = look.at
    await lists.settle()
    assert len(lists.members()) == 9


async def test_a_throttled_account_rests_for_all_its_audiences(lists: Lists) -> None:
    await lists.tell(1)
    lists.use(PROS, replace(PROS, id="others", external_id="239"))
    await lists.tell(2)
    lists.platform.faults.add(Fault("answer", status=400, body=STORM))
    await lists.sync()
    await lists.sync("others")
    assert lists.platform.record.count == 1


async def test_who_comes_back_before_a_removal_is_answered_is_named_again(lists: Lists) -> None:
    lead = await lists.tell(1)
    await lists.settle()
    lists.later(HOUR)
    await lists.tell(1, pro=False)
    lists.sink.dies = ["after"]
    assert await lists.sync() is None
    lists.later(HOUR)
    await lists.tell(1)
    await lists.settle()
    assert lists.members() == {lead}


async def test_a_removal_does_not_take_off_who_shares_the_phone(lists: Lists) -> None:
    first = await lists.tell(1, phone="+4520123456", country="DK")
    second = await lists.tell(2, phone="+4520123456", country="DK")
    await lists.settle()
    await lists.withdraw(first)
    await lists.settle()
    assert lists.members() == {second}


@pytest.mark.parametrize("platform", ["google", "meta"])
async def test_who_shares_a_phone_that_is_written_otherwise_stays(
    db: Database, platform: str
) -> None:
    lists = Lists(db, platform)
    first = await lists.tell(1, phone="+4520123456", country="DK")
    await lists.tell(2, phone="20 12 34 56", country="DK")
    await lists.settle()
    await lists.withdraw(first)
    await lists.settle()
    assert len(lists.members()) == 1


async def test_who_shares_a_mailbox_at_gmail_stays_on_googles_list(db: Database) -> None:
    lists = Lists(db, "google")
    for address in ("foo.bar@gmail.com", "foobar+news@gmail.com"):
        lead = await lists.world.tell(
            None, address, lists.now, ("ad_audiences",), traits={"occupation": "pro"}
        )
    await lists.settle()
    await lists.withdraw(lead.id)
    await lists.settle()
    assert lists.members() == {sha256("foobar@gmail.com")}


async def test_who_shares_the_phone_stays_also_if_an_earlier_release_named_them(
    db: Database,
) -> None:
    lists = Lists(db, "google")
    first, _ = [await lists.tell(n, phone="20 12 34 56", country="DK") for n in (1, 2)]
    await lists.settle()
    async with db.write() as session:
        theirs = update(AudienceMemberRow).values(phone_hash=sha256("20123456"))
        await session.execute(theirs)
    await lists.withdraw(first)
    await lists.settle()
    assert len(lists.members()) == 1


async def test_a_changed_address_leaves_no_trace_of_the_old_one(lists: Lists) -> None:
    lead = await lists.tell(1)
    await lists.world.tell(None, "person1@firma.dk", user_id="u1", at=lists.now)
    await lists.settle()
    before = lists.platform.members.rows("238")
    await lists.world.tell(None, "new@firma.dk", user_id="u1", at=lists.later(HOUR))
    await lists.settle()
    after = lists.platform.members.rows("238")
    assert [row[0] for row in after] == [f"EXTERN_ID:{lead}"]
    assert before != after


async def tell_phone(lists: Lists, phone: str) -> None:
    """A customer of whom a shop knows a number, and no address."""
    message = Incoming(
        message_id=phone,
        at=lists.later(HOUR),
        user_id="u9",
        consents=(ConsentRecord(AD_AUDIENCES, True, lists.now, "shop"),),
        traits={"occupation": "pro", "phone": phone, "country": "DK"},
        trusted=True,
    )
    await lists.world.intake.take("shop", [message], lists.now)


async def test_who_has_a_phone_and_no_address_is_told_to_platforms_that_know_phones(
    db: Database,
) -> None:
    lists = Lists(db, "google")
    await tell_phone(lists, "20 12 34 56")
    await lists.settle()
    [row] = lists.platform.members.rows("238")
    assert row == (f"phoneNumber:{sha256('+4520123456')}",)
    await tell_phone(lists, "20 99 99 99")
    await lists.settle()
    [row] = lists.platform.members.rows("238")
    assert row == (f"phoneNumber:{sha256('+4520999999')}",)


async def test_who_has_no_address_is_listed_where_the_platform_knows_nothing_else(
    db: Database,
) -> None:
    lists = Lists(db, "linkedin")
    await tell_phone(lists, "20 12 34 56")
    await lists.sync()
    [row] = await lists.rows()
    assert (lists.members(), row.error) == (set(), "no_identifier")


async def test_a_phone_that_is_only_written_otherwise_takes_nobody_off(lists: Lists) -> None:
    await lists.tell(1, phone="20 12 34 56", country="DK")
    await lists.settle()
    lists.later(HOUR)
    await lists.tell(1, phone="+45 20 12 34 56", country="DK")
    await lists.settle()
    assert [call["method"] for call in lists.platform.record.requests] == ["POST", "POST"]


async def _kept_under_an_old_address(lists: Lists) -> str:
    """The lead on the list whose address changed, and whose old one the platform did not let go of."""
    lead = await lists.tell(1)
    await lists.world.tell(None, "person1@firma.dk", user_id="u1", at=lists.now)
    await lists.settle()
    lists.platform.faults.add(Fault("bad_rows", rows=(0,)))
    await lists.world.tell(None, "new@firma.dk", user_id="u1", at=lists.later(HOUR))
    await lists.sync()
    return lead


async def test_an_old_address_that_the_platform_kept_is_still_taken_off(db: Database) -> None:
    lists = Lists(db, "linkedin")
    lead = await _kept_under_an_old_address(lists)
    [row] = await lists.rows()
    assert (lists.members(), row.error) == ({lead}, "element_400")
    await lists.settle()
    assert lists.members() == {sha256("new@firma.dk")}
    await lists.withdraw(lead)
    await lists.settle()
    assert lists.members() == set()


async def test_who_withdraws_while_an_old_address_is_kept_leaves_under_it(db: Database) -> None:
    lists = Lists(db, "linkedin")
    lead = await _kept_under_an_old_address(lists)
    await lists.withdraw(lead)
    await lists.settle()
    assert lists.members() == set()


async def test_a_platform_nearly_exhausted_by_changed_addresses_is_left_alone_too(
    lists: Lists,
) -> None:
    await lists.tell(1)
    await lists.world.tell(None, "person1@firma.dk", user_id="u1", at=lists.now)
    await lists.settle()
    lists.platform.platform._quota = 1
    await lists.world.tell(None, "new@firma.dk", user_id="u1", at=lists.later(HOUR))
    look = await lists.sync()
    assert look is not None
    assert look.at == lists.now + timedelta(minutes=5)
    assert [call["method"] for call in lists.platform.record.requests] == ["POST", "DELETE"]
    await lists.settle()
    assert len(lists.members()) == 1


async def test_a_changed_rule_is_planned_and_then_holds(lists: Lists) -> None:
    await lists.tell(1)
    other = await lists.tell(2, pro=False)
    await lists.settle()
    changed = replace(PROS, when=when(lambda f: f.lead.traits.get("occupation") != "pro"))
    lists.use(changed)
    view = AudienceView(lists.world.db, lists.world.shelf)
    [effect] = await view.plan(lists.book.book, lists.now)
    assert (effect.members, effect.adds, effect.removes) == (1, 1, 1)
    await lists.settle()
    assert lists.members() == {other}


async def test_points_and_a_limit_changed_together_move_nobody(lists: Lists) -> None:
    worth = [replace(SCORING, engagement=(EngagementRule("pages", n, "page"),)) for n in (10, 20)]
    lists.score(worth[0], replace(PROS, when=when(lambda f: f.score.engagement >= 10)))
    ids = {await lists.tell(n, touch="page") for n in range(3)}
    await lists.settle()
    calls = lists.platform.record.count
    lists.score(worth[1], replace(PROS, when=when(lambda f: f.score.engagement >= 20)))
    await lists.settle()
    assert await lists.world.rescoring.page(lists.now) == 3
    await lists.settle()
    assert (lists.members(), lists.platform.record.count) == (ids, calls)


async def test_a_list_that_moves_is_emptied_where_it_was(lists: Lists) -> None:
    ids = {await lists.tell(n) for n in range(4)}
    await lists.settle()
    lists.use(replace(PROS, external_id="239"))
    await lists.settle()
    assert (lists.members("238"), lists.members("239")) == (set(), ids)


async def test_an_audience_taken_out_of_the_playbook_is_emptied(lists: Lists) -> None:
    for n in range(3):
        await lists.tell(n)
    await lists.settle()
    lists.use()
    await lists.settle()
    look = await lists.sync()
    assert lists.members() == set()
    assert look is not None
    assert look.done


async def test_a_long_list_is_given_up_in_pieces_between_which_others_write(lists: Lists) -> None:
    many = [f"lead-{n}" for n in range(1001)]
    rows = [
        AudienceMemberRow(
            audience="pros", lead_id=id_, desired=True, changed_at=lists.now, next_try_at=lists.now
        ).model_dump()
        for id_ in many
    ]
    leads = [LeadRow(id=id_, stage="lead", created_at=lists.now).model_dump() for id_ in many]
    async with lists.world.db.write() as session:
        await session.execute(insert(LeadRow), leads)
        await session.execute(insert(AudienceMemberRow), rows)
    async with lists.world.db.write() as session:
        assert await audiences.give_up(session, "pros", lists.now)
    assert [row.desired for row in await lists.rows()].count(True) == 1
    lists.use()
    await lists.sync()
    assert [row.desired for row in await lists.rows()].count(True) == 0


async def removals(lists: Lists) -> dict[str, float]:
    async with lists.world.db.read() as session:
        found = await vitals(session, lists.book.book, lists.now)
    return {each.name: each.value for each in found if "removals" in each.name}


async def test_an_audience_dropped_with_its_account_owes_everybody_and_says_so(
    lists: Lists,
) -> None:
    for n in range(3):
        await lists.tell(n)
    await lists.settle()
    lists.use()
    keeper = AudienceKeeper(lists.world.outbox, lists.world.shelf, {})
    await keeper.sync("pros", lists.now)
    await keeper.sync("pros", lists.later(DAY))
    assert await removals(lists) == {
        "nurture_removals_owed": 3,
        "nurture_removals_owed_oldest_seconds": DAY.total_seconds(),
    }
    [shown] = await AudienceView(lists.world.db, lists.world.shelf).all(lists.now)
    assert (shown["desired"], shown["owed_removals"]) == (0, 3)
    assert shown["errors"] == [in_words("not_configured")]


async def test_who_never_came_onto_a_dropped_list_is_not_late(lists: Lists) -> None:
    await lists.tell(1)
    await lists.sync()
    await switch(lists.world.outbox, "pros", True, lists.now)
    await lists.tell(2)
    lists.use()
    await lists.settle()
    await lists.sync()
    async with lists.world.db.read() as session:
        late = await backlog(session, lists.later(DAY))
    assert late["audience_changes"].number == 0


async def test_a_list_that_moves_and_comes_back_before_it_is_empty_is_filled_again(
    lists: Lists,
) -> None:
    ids = {await lists.tell(n) for n in range(4)}
    await lists.settle()
    before = lists.book.book
    lists.use(replace(PROS, external_id="239"))
    lists.sink.dies = ["after"]
    assert await lists.sync() is None
    lists.book.book = before
    await lists.settle()
    assert lists.members("238") == ids


async def test_an_audience_that_takes_anothers_list_waits_until_it_has_left(lists: Lists) -> None:
    ids = {await lists.tell(n) for n in range(4)}
    await lists.settle()
    lists.use(replace(PROS, id="professionals"))
    look = await lists.sync("professionals")
    assert look is not None
    assert look.at == lists.now + timedelta(minutes=10)
    shown = await AudienceView(lists.world.db, lists.world.shelf).all(lists.now)
    assert [each["errors"] for each in shown if each["name"] == "professionals"] == [
        ["another audience is still being taken off the same list; nobody is added until then"]
    ]
    await lists.sync("pros")
    lists.now = look.at
    await lists.sync("professionals")
    assert lists.members() == ids


async def test_whom_the_platform_does_not_let_go_of_keeps_nobody_else_waiting(
    db: Database,
) -> None:
    lists = Lists(db, "linkedin")
    ids = {await lists.tell(n) for n in range(2)}
    await lists.settle()
    lists.use(replace(PROS, id="professionals", platform="linkedin"))
    lists.platform.faults.add(Fault("bad_rows", rows=(0,)))
    await lists.sync("pros")
    await lists.sync("professionals")
    assert lists.members() == ids


@dataclass
class Weary:
    """A sink that gives the search for bad records up at the first that it finds: of `bad`, never taken."""

    inner: AudienceSink
    bad: str
    batch_size: int = 9
    removal_size: int = 9
    spacing: timedelta = timedelta(0)

    def identifiers(self, person: Person) -> Identifiers:
        return self.inner.identifiers(person)

    async def add(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._tried(self.inner.add, audience, people)

    async def remove(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._tried(self.inner.remove, audience, people)

    async def _tried(self, call: Any, audience: str, people: Sequence[Person]) -> Applied:
        found = [n for n, person in enumerate(people) if person.email == self.bad]
        if not found:
            return cast(Applied, await call(audience, people))
        bad, *rest = people[found[0] :]
        if before := people[: found[0]]:
            await call(audience, before)
        return Applied({bad.lead_id: "invalid_entry"} | {one.lead_id: NOT_TRIED for one in rest})


async def test_who_was_not_tried_for_bad_records_goes_without_them_an_hour_later(
    lists: Lists,
) -> None:
    lists.sink.inner = Weary(lists.sink.inner, "person0@firma.dk")
    bad, *good = [await lists.tell(n) for n in range(3)]
    began = lists.now
    await look(lists)
    assert (lists.members(), lists.now - began) == (set(good), HOUR)
    lists.now += DAY
    late = await lists.tell(4)
    await lists.sync()
    assert lists.members() == {*good, late}
    lists.sink.inner = lists.sink.inner.inner
    lists.now += DAY
    await lists.settle()
    lists.sink.inner = Weary(lists.sink.inner, "person0@firma.dk")
    for lead in (bad, *good, late):
        await lists.withdraw(lead)
    lists.sink.removal_size, began = 9, lists.now
    await look(lists)
    assert (lists.members(), lists.now - began) == ({bad}, HOUR)


async def test_who_stayed_long_enough_comes_back_when_a_flow_says_so(lists: Lists) -> None:
    lists.use(replace(PROS, when=None, max_stay=60 * DAY))
    lead = await lists.tell(1)

    async def step_adds() -> None:
        async with lists.world.outbox.write() as session:
            await audiences.ask(session, "pros", lead, True, lists.now)
        await lists.sync()
        lists.later(DAY)
        await lists.sync()

    await step_adds()
    assert lists.members() == {lead}
    lists.later(59 * DAY)
    await lists.sync()
    assert lists.members() == set()
    lists.later(300 * DAY)
    await step_adds()
    assert lists.members() == {lead}
    lists.later(60 * DAY)
    await lists.settle()
    assert lists.members() == set()


async def test_who_is_put_back_while_the_platform_still_owes_the_removal_begins_a_new_stay(
    lists: Lists,
) -> None:
    lists.use(replace(PROS, when=None, max_stay=60 * DAY))
    lead = await lists.tell(1)

    async def step_adds() -> None:
        async with lists.world.outbox.write() as session:
            await audiences.ask(session, "pros", lead, True, lists.now)

    await step_adds()
    await lists.settle()
    lists.later(60 * DAY)
    async with lists.world.outbox.write() as session:
        await ad_lists.rest(session, "meta", lists.now + 2 * HOUR)
    await lists.sync()
    assert lists.members() == {lead}
    lists.later(HOUR)
    await step_adds()
    lists.later(DAY)
    await lists.settle()
    assert lists.members() == {lead}
    lists.later(60 * DAY)
    await lists.settle()
    assert lists.members() == set()


async def test_who_is_put_on_the_list_again_before_anybody_saw_that_the_stay_is_over_stays(
    lists: Lists,
) -> None:
    lists.use(replace(PROS, when=None, max_stay=60 * DAY))
    lead = await lists.tell(1)

    async def step_adds() -> None:
        async with lists.world.outbox.write() as session:
            await audiences.ask(session, "pros", lead, True, lists.now)
        await lists.tell(1)

    await step_adds()
    await lists.settle()
    lists.later(60 * DAY)
    await step_adds()
    await lists.settle()
    assert lists.members() == {lead}
    lists.later(59 * DAY)
    await step_adds()
    await lists.settle()
    assert lists.members() == {lead}
    lists.later(DAY)
    await lists.settle()
    assert lists.members() == set()


async def test_members_are_named_again_before_they_expire(lists: Lists) -> None:
    lists.use(replace(PROS, refresh=60 * DAY))
    await lists.tell(1)
    await lists.settle()
    lists.later(59 * DAY)
    await lists.settle()
    assert lists.platform.record.count == 1
    lists.later(DAY)
    await lists.settle()
    assert lists.platform.record.count == 2


async def test_a_comparison_a_day_finds_what_only_time_changed(lists: Lists) -> None:
    born = lists.now
    late = When(lambda _, now: now >= born + DAY)
    lists.use(replace(PROS, when=late))
    lead = await lists.tell(1)
    look = await lists.sync()
    assert lists.members() == set()
    assert look is not None
    assert look.at == born + DAY
    lists.later(DAY)
    await lists.settle()
    assert lists.members() == {lead}


async def test_a_paused_audience_still_lets_people_go(lists: Lists) -> None:
    lead = await lists.tell(1)
    await lists.settle()
    await switch(lists.world.outbox, "pros", True, lists.now)
    await lists.tell(2)
    await lists.withdraw(lead)
    await lists.sync()
    assert lists.members() == set()
    await switch(lists.world.outbox, "pros", False, lists.now)
    await lists.settle()
    assert len(lists.members()) == 1


async def test_only_an_audience_that_was_synced_can_be_paused(lists: Lists) -> None:
    with pytest.raises(InputError, match="ever synced"):
        await switch(lists.world.outbox, "nobody", True, lists.now)


async def test_a_platform_without_account_is_an_error_in_words(lists: Lists) -> None:
    lists.use(replace(PROS, platform="google"))
    await lists.tell(1)
    look = await lists.sync()
    [shown] = await AudienceView(lists.world.db, lists.world.shelf).all(lists.now)
    assert shown["errors"] == [in_words("not_configured")]
    assert look is not None
    assert look.at == lists.now + timedelta(minutes=1)


async def test_owed_removals_are_shown_with_their_age(lists: Lists) -> None:
    lead = await lists.tell(1)
    await lists.settle()
    await lists.withdraw(lead)
    lists.platform.faults.add(Fault("answer", status=400, body=STORM))
    await lists.sync()
    lists.later(HOUR)
    [shown] = await AudienceView(lists.world.db, lists.world.shelf).all(lists.now)
    assert (shown["owed_removals"], shown["oldest_owed_removal_seconds"]) == (1, 3600)
    assert shown["errors"][0].startswith("the platform has had too many calls")


async def test_a_platform_nearly_exhausted_is_left_alone_for_minutes(lists: Lists) -> None:
    for n in range(6):
        await lists.tell(n)
    lists.platform.platform._quota = 1
    look = await lists.sync()
    assert look is not None
    assert look.at == lists.now + timedelta(minutes=5)
    assert lists.platform.record.count == 1


async def shown_of(lists: Lists) -> tuple[int, list[str]]:
    """How many removals are owed, and what is wrong."""
    [shown] = await AudienceView(lists.world.db, lists.world.shelf).all(lists.now)
    return shown["owed_removals"], shown["errors"]


def sent(lists: Lists, what: str) -> int:
    return sum(call["path"].endswith(what) for call in lists.platform.record.requests)


async def look(lists: Lists) -> None:
    """The next look that the workflow would take."""
    found = await lists.sync()
    assert found is not None
    assert found.at is not None
    lists.now = found.at
    await lists.sync()


async def test_a_removal_that_google_took_in_is_owed_until_google_says_that_it_is_done(
    db: Database,
) -> None:
    lists = Lists(db, "google")
    lead = await lists.tell(1)
    await lists.settle()
    await lists.withdraw(lead)
    began = lists.now
    await lists.sync()
    assert await shown_of(lists) == (1, [])
    asked = []
    while (await shown_of(lists))[0]:
        await look(lists)
        asked.append(lists.now - began)
    assert asked == [15 * MINUTE, 30 * MINUTE, 60 * MINUTE]
    assert sent(lists, ":remove") == 1
    [row] = await lists.rows()
    assert (row.named, row.sent_as) == (False, None)


PROCESSING = {"requestStatusPerDestination": [{"requestStatus": "PROCESSING"}]}


@pytest.mark.parametrize(
    ("faults", "after", "told"),
    [
        (
            [Fault("fails_later", path=":remove")],
            HOUR,
            "2 refused: the platform took it in and did not do it (INTERNAL_ERROR)",
        ),
        (
            [Fault("fails_later", path=":remove", rows=(0,))],
            HOUR,
            "2 refused: the platform took it in and did it for some only, and does not say for whom"
            " (INTERNAL_ERROR)",
        ),
        (
            [
                Fault("fails_later", path=":remove"),
                Fault("answer", path="requestStatus", times=999, body=PROCESSING, status=200),
            ],
            DAY,
            "2 refused: the platform took it in and has not said for a day whether it did it",
        ),
        (
            [
                Fault("fails_later", path=":remove"),
                Fault("answer", path="requestStatus", times=999, status=403),
            ],
            DAY,
            "2 refused: the platform took it in and has not said for a day whether it did it",
        ),
        (
            [
                Fault("fails_later", path=":remove"),
                Fault(
                    "answer",
                    path="requestStatus",
                    status=400,
                    body={"error": {"details": [{"reason": "INVALID_REQUEST_ID"}]}},
                ),
            ],
            15 * MINUTE,
            "2 refused: the platform knows nothing of a change that it had taken in",
        ),
    ],
    ids=["failed", "done for some", "working on it for ever", "no answer", "unknown"],
)
async def test_a_removal_that_google_took_in_and_did_not_do_is_owed_and_sent_again(
    db: Database, faults: list[Fault], after: timedelta, told: str
) -> None:
    lists = Lists(db, "google")
    ids = [await lists.tell(n) for n in (1, 2)]
    await lists.settle()
    began = lists.now
    for lead in ids:
        await lists.withdraw(lead)
    lists.platform.faults.add(*(replace(fault) for fault in faults))
    while not (await shown_of(lists))[1]:
        assert lists.members()
        await look(lists)
    assert lists.now - began == after
    assert await shown_of(lists) == (2, [told])
    assert (await removals(lists))["nurture_removals_owed_oldest_seconds"] == after.total_seconds()
    lists.platform.faults.clear()
    lists.now += HOUR
    await lists.sync()
    assert lists.members() == set()
    await lists.settle()
    assert await shown_of(lists) == (0, [])
    assert sent(lists, ":remove") == 3  # each alone, if one of them was the reason


STUCK = sha256("person1@firma.dk")
"""Whom a platform does not let go of."""


async def test_one_whom_google_cannot_remove_keeps_no_other_removal_owed(db: Database) -> None:
    lists = Lists(db, "google")
    lists.sink.batch_size = lists.sink.removal_size = 9
    ids = [await lists.tell(n) for n in range(9)]
    await lists.settle()
    lists.platform.faults.add(Fault("fails_later", path=":remove", times=999, rows=(STUCK,)))
    began = lists.now
    for lead in ids:
        await lists.withdraw(lead)
    while (await shown_of(lists))[0] > 1:
        await look(lists)
    assert (lists.members(), lists.now - began) == ({ids[1]}, 5 * HOUR)
    tries = []
    while lists.now - began < DAY:
        before = sent(lists, ":remove")
        await look(lists)
        tries += [lists.now - began] * (sent(lists, ":remove") - before)
    assert tries == [11 * HOUR, 18 * HOUR]
    told = "1 refused: the platform took it in and did not do it (INTERNAL_ERROR)"
    assert await shown_of(lists) == (1, [told])


@pytest.mark.parametrize(
    ("platform", "fault", "owed"),
    [
        ("google", Fault("fails_later", path=":remove", times=999, rows=(STUCK,)), 2),
        ("linkedin", Fault("bad_rows", path="238/", times=999, rows=(0,)), 1),
    ],
    ids=["google does not say whom", "linkedin says whom"],
)
async def test_whom_a_platform_does_not_let_go_of_keeps_no_list_from_moving_and_is_owed_still(
    db: Database, platform: str, fault: Fault, owed: int
) -> None:
    lists = Lists(db, platform)
    stuck, other = [await lists.tell(n) for n in (1, 2)]
    await lists.settle()
    lists.platform.faults.add(replace(fault))
    began = lists.now
    lists.use(replace(PROS, platform=platform, external_id="239"))
    while len(lists.members("239")) < 2:
        await look(lists)
        assert lists.now - began < DAY
    assert lists.members("238") == {stuck}
    apart = f"pros@{platform}:238"
    await lists.world.outbox.drain()
    assert ("audience", apart) in lists.world.alarm.woken
    shown = await AudienceView(lists.world.db, lists.world.shelf).all(lists.now)
    assert {each["name"]: each["owed_removals"] for each in shown} == {"pros": 0, apart: owed}
    lists.platform.faults.clear()
    for _ in range(9):
        found = await lists.sync(apart)
        assert found is not None
        if found.done:
            break
        assert found.at is not None
        lists.now = found.at
    assert (lists.members("238"), lists.members("239")) == (set(), {stuck, other})
    assert (await removals(lists))["nurture_removals_owed"] == 0


async def test_whom_a_platform_did_not_let_go_of_belongs_to_the_list_again_that_comes_back(
    db: Database,
) -> None:
    lists = Lists(db, "google")
    ids = {await lists.tell(n) for n in (1, 2)}
    await lists.settle()
    lists.platform.faults.add(Fault("fails_later", path=":remove", times=1))
    lists.use(replace(PROS, platform="google", external_id="239"))
    while len(lists.members("239")) < 2:
        await look(lists)
    lists.use(replace(PROS, platform="google", external_id="238"))
    await lists.settle()
    found = await lists.sync("pros@google:238")
    assert found is not None
    assert found.done
    lists.now += DAY
    await lists.settle()
    assert (lists.members("238"), lists.members("239")) == (ids, set())


async def test_who_leaves_later_does_not_go_along_with_a_removal_that_failed(db: Database) -> None:
    lists = Lists(db, "google")
    ids = [await lists.tell(n) for n in (1, 2, 3)]
    await lists.settle()
    lists.platform.faults.add(Fault("fails_later", path=":remove", times=999, rows=(STUCK,)))
    await lists.withdraw(ids[0])
    while not (await shown_of(lists))[1]:
        await look(lists)
    lists.later(6 * HOUR)
    await lists.withdraw(ids[1])
    await lists.sync()
    assert sent(lists, ":remove") == 3
    assert lists.members() == {ids[0], ids[2]}


async def test_an_old_address_that_google_cannot_remove_keeps_no_other_new_one_off_the_list(
    db: Database,
) -> None:
    lists = Lists(db, "google")
    for n in (1, 2):
        await lists.tell(n)
        await lists.world.tell(None, f"person{n}@firma.dk", user_id=f"u{n}", at=lists.now)
    await lists.settle()
    lists.platform.faults.add(Fault("fails_later", path=":remove", times=999, rows=(STUCK,)))
    lists.later(HOUR)
    for n in (1, 2):
        await lists.world.tell(None, f"new{n}@firma.dk", user_id=f"u{n}", at=lists.now)
    began = lists.now
    while lists.now - began < DAY:
        await look(lists)
    assert sha256("new2@firma.dk") in lists.members()


async def test_people_whom_google_took_in_and_did_not_add_are_named_again(db: Database) -> None:
    lists = Lists(db, "google")
    ids = {await lists.tell(n) for n in (1, 2)}
    lists.platform.faults.add(Fault("fails_later", path=":ingest"))
    await lists.settle()
    assert lists.members() == set()
    while not (await shown_of(lists))[1]:
        await look(lists)
    await lists.settle()
    assert lists.members() == ids
    assert await shown_of(lists) == (0, [])


async def test_a_failed_addition_puts_off_no_removal(db: Database) -> None:
    lists = Lists(db, "google")
    lead = await lists.tell(1)
    lists.platform.faults.add(Fault("fails_later", path=":ingest"))
    await lists.sync()
    lists.later(HOUR)
    await lists.withdraw(lead)
    lists.platform.faults.add(Fault("answer", path=":remove", status=503))
    await lists.sync()
    lists.later(MINUTE)
    await lists.sync()
    assert sent(lists, ":remove") == 2


async def test_a_list_that_moves_forgets_what_the_old_one_was_asked(db: Database) -> None:
    lists = Lists(db, "google")
    ids = {await lists.tell(n) for n in (1, 2)}
    await lists.settle()
    lists.use(replace(PROS, platform="google", external_id="239"))
    await lists.settle()
    assert (lists.members("238"), lists.members("239")) == (set(), ids)
    assert {row.adds for row in await lists.world.rows(AdRequestRow)} == {True}
    lists.now += DAY
    await lists.settle()
    assert await lists.world.rows(AdRequestRow) == []


async def test_a_rule_that_nobody_fulfils_names_nobody(lists: Lists) -> None:
    lists.use(replace(PROS, when=NEVER_TRUE))
    await lists.tell(1)
    await lists.settle()
    assert lists.platform.record.count == 0


async def stranger(lists: Lists) -> None:
    """Somebody whom nurture never put on the list."""
    lists.platform.members.change("238", add=[("EXTERN_ID:stranger", "EMAIL:" + "0" * 64)])


async def test_a_renewed_list_holds_nobody_but_who_should_be_there(lists: Lists) -> None:
    ids = {await lists.tell(n) for n in range(7)}
    await lists.settle()
    await stranger(lists)
    await lists.tell(8)
    await ask_renewal(lists.world.outbox, "pros", lists.now)
    await lists.settle()
    assert lists.members() == ids | {await lists.tell(8)}
    [shown] = await AudienceView(lists.world.db, lists.world.shelf).all(lists.now)
    assert (shown["last_renewed"], shown["renewal_asked"]) == (lists.now.isoformat(), None)
    assert [call["path"].rpartition("/")[2] for call in lists.platform.record.requests][-3:] == [
        "usersreplace"
    ] * 3


async def test_a_renewal_that_nearly_exhausts_the_platform_ends_and_then_leaves_it_alone(
    lists: Lists,
) -> None:
    ids = {await lists.tell(n) for n in range(7)}
    await lists.settle()
    await stranger(lists)
    lists.platform.platform._quota = 3
    await ask_renewal(lists.world.outbox, "pros", lists.later(2 * HOUR))
    await lists.sync()
    assert lists.members() == ids
    await lists.withdraw(min(ids))
    look = await lists.sync()
    assert look is not None
    assert look.at == lists.now + timedelta(minutes=5)


@pytest.mark.parametrize("death", ["before", "after"])
async def test_a_renewal_that_broke_off_takes_no_effect_and_is_begun_again(
    lists: Lists, death: str
) -> None:
    ids = [await lists.tell(n) for n in range(5)]
    await lists.settle()
    await stranger(lists)
    await ask_renewal(lists.world.outbox, "pros", lists.now)
    lists.sink.dies = ["", death] if death == "before" else ["after"]
    assert await lists.sync() is None
    assert lists.members() == {*ids, "stranger"}
    await lists.withdraw(ids[0])
    look = await lists.sync()
    assert look is not None
    assert lists.members() == {*ids, "stranger"}
    assert (await lists.state()).error.startswith("audience_busy")
    lists.later(90 * MINUTE)
    await lists.settle()
    assert lists.members() == set(ids[1:])


async def test_who_withdraws_while_the_list_is_renewed_is_not_on_the_new_one(lists: Lists) -> None:
    ids = [await lists.tell(n) for n in range(7)]
    await lists.settle()
    await ask_renewal(lists.world.outbox, "pros", lists.now)
    lists.sink.dies = ["", "before"]
    await lists.sync()
    await lists.withdraw(ids[6])
    lists.later(90 * MINUTE)
    await lists.settle()
    assert lists.members() == set(ids[:6])


async def test_an_empty_list_is_not_replaced(lists: Lists) -> None:
    await lists.sync()
    await ask_renewal(lists.world.outbox, "pros", lists.now)
    await lists.settle()
    assert lists.platform.record.count == 0
    assert (await lists.state()).renew_asked_at is None


async def test_a_paused_list_is_renewed_when_it_goes_on(lists: Lists) -> None:
    await lists.tell(1)
    await lists.settle()
    await switch(lists.world.outbox, "pros", True, lists.now)
    await ask_renewal(lists.world.outbox, "pros", lists.now)
    look = await lists.sync()
    assert look is not None
    assert look.at is not None
    assert look.at > lists.now
    await switch(lists.world.outbox, "pros", False, lists.now)
    await lists.settle()
    assert lists.platform.record.count == 2


async def test_a_platform_that_cannot_replace_is_told_everybody_again(db: Database) -> None:
    lists = Lists(db, "google")
    ids = {await lists.tell(n) for n in range(4)}
    await lists.settle()
    await ask_renewal(lists.world.outbox, "pros", lists.now)
    await lists.settle()
    assert lists.members() == ids
    assert lists.platform.record.count == 4
