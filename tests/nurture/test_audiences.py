"""An audience is kept as the playbook wants it, whatever the platform, the marketer and the machine do."""

import asyncio
import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded.ads.faults import Fault
from nurture.audience_view import AudienceView, in_words, switch
from nurture.audiences import LONGEST
from nurture.domain.errors import InputError
from nurture.store.database import Database
from tests.support.domain import DAY, HOUR, NEVER_TRUE, When, when
from tests.support.lists import PROS, Lists

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


async def test_a_removal_does_not_take_off_who_shares_the_phone(lists: Lists) -> None:
    first = await lists.tell(1, phone="+4520123456", country="DK")
    second = await lists.tell(2, phone="+4520123456", country="DK")
    await lists.settle()
    await lists.withdraw(first)
    await lists.settle()
    assert lists.members() == {second}


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


async def test_a_rule_that_nobody_fulfils_names_nobody(lists: Lists) -> None:
    lists.use(replace(PROS, when=NEVER_TRUE))
    await lists.tell(1)
    await lists.settle()
    assert lists.platform.record.count == 0


actions = st.one_of(
    st.tuples(st.just("tell"), st.integers(0, 4), st.booleans(), st.booleans()),
    st.tuples(st.just("withdraw"), st.integers(0, 4)),
    st.tuples(st.just("sync")),
    st.tuples(st.just("die"), st.sampled_from(["before", "after"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 3000])),
    st.tuples(st.just("fault"), st.sampled_from(["reset_before", "reset_after", "storm", "502"])),
)


@settings(max_examples=40)
@given(script=st.lists(actions, max_size=25))
def test_after_any_sequence_of_changes_faults_and_crashes_the_list_is_the_wanted_one(
    sqlite_template: Path, script: list[tuple]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = shutil.copy(sqlite_template, Path(folder) / "nurture.db")
        asyncio.run(play(Database(f"sqlite+aiosqlite:///{file}"), script))


async def play(db: Database, script: list[tuple]) -> None:
    lists = Lists(db)
    known: dict[int, tuple[str, bool, bool]] = {}
    for what, *rest in script:
        match what:
            case "tell":
                n, pro, consent = rest
                held = consent or (n in known and known[n][2])
                known[n] = (await lists.tell(n, pro, consent), pro, held)
            case "withdraw" if rest[0] in known:
                lead, pro, _ = known[rest[0]]
                lists.later(timedelta(seconds=1))
                await lists.withdraw(lead)
                known[rest[0]] = (lead, pro, False)
            case "sync":
                look = await lists.sync()
                if look and not (await lists.state()).error:
                    assert not lists.members() & {
                        lead for lead, _, yes in known.values() if not yes
                    }
            case "die":
                lists.sink.dies.append(rest[0])
            case "wait":
                lists.later(timedelta(seconds=rest[0]))
            case "fault":
                lists.platform.faults.add(fault(rest[0]))
        lists.later(timedelta(seconds=1))
    lists.platform.faults.clear()
    works_again = lists.now
    await lists.settle()
    assert lists.now - works_again <= LONGEST
    assert lists.members() == {lead for lead, pro, yes in known.values() if pro and yes}
    assert lists.platform.record.violations == []
    await db.close()


def fault(kind: str) -> Fault:
    if kind == "storm":
        return Fault("answer", times=3, status=400, body=STORM)
    if kind == "502":
        return Fault("answer", status=502, body="<html>")
    return Fault("reset_before" if kind == "reset_before" else "reset_after")
