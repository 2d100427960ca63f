"""Sales' finer answers, whose turn it is, and what marketing does meanwhile."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from nurture.domain.calendar import Span
from nurture.domain.effects import CreateTask
from nurture.domain.errors import InputError
from nurture.domain.owners import Absence, Assignment, Owner
from nurture.domain.sla import Escalation, State, Team, Terms
from nurture.handovers.notices import Notices
from nurture.incoming import Answer
from nurture.store import handovers, lead_list, leads, notices, owned
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverEventRow, HandoverRow, NoticeRow
from nurture.store.lead_list import Filter
from nurture.store.tables import EnrolmentRow, TouchRow
from tests.support.domain import DAY, HOUR, NOW, when
from tests.support.playbook import PLAYBOOK
from tests.support.world import OneBook, World


def world_with(db: Database, **rule: object) -> World:
    """A world whose handover rule differs from the usual one."""
    book = replace(PLAYBOOK, handover=replace(PLAYBOOK.handover, **rule))  # type: ignore[arg-type]
    return World(db, OneBook(book))


async def give(world: World, name: str = "anna") -> HandoverRow:
    """Hand over a lead of that name."""
    lead = await world.tell(
        "demo_requested", f"{name}@example.org", traits={"occupation": "pro", "first_name": name}
    )
    return next(row for row in await world.rows(HandoverRow) if row.lead_id == lead.id)


async def again(world: World) -> HandoverRow:
    [row] = await world.rows(HandoverRow)
    assert isinstance(row, HandoverRow)
    return row


def people(*members: Owner, rules: tuple[Assignment, ...] = ()) -> Team:
    return Team("sales", "Sales", tuple(m.id for m in members), people=members, assignments=rules)


async def test_a_snooze_moves_the_deadline_by_as_long_as_the_lead_asked(db: Database) -> None:
    world = world_with(db)
    row = await give(world)
    snooze = Answer(State.SNOOZED, NOW + DAY, reason="asked to wait", until=NOW + 11 * DAY)
    assert await world.desk.answer(row.id, snooze) == "Noted: snoozed."
    assert (await again(world)).due_at == row.due_at + 10 * DAY
    view = await world.desk.view(row.id)
    assert view is not None
    assert (view.until, view.state) == (NOW + 11 * DAY, "snoozed")


async def test_an_earlier_contact_ends_the_snooze(db: Database) -> None:
    world = world_with(db)
    row = await give(world)
    await world.desk.answer(
        row.id, Answer(State.SNOOZED, NOW, reason="asked to wait", until=NOW + 10 * DAY)
    )
    said = await world.desk.answer(row.id, Answer(State.CONTACTED, NOW + 5 * DAY, how="call"))
    assert said == "Noted: contacted."
    assert (await again(world)).due_at == row.due_at + 5 * DAY


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(State.SNOOZED, NOW, reason="lazy", until=NOW + DAY), "asked to wait"),
        (Answer(State.SNOOZED, NOW, reason="asked to wait"), "the day the lead asked for"),
        (Answer(State.SNOOZED, NOW, reason="asked to wait", until=NOW - DAY), "is over"),
        (Answer(State.SNOOZED, NOW, reason="asked to wait", until=NOW + 91 * DAY), "90 days"),
        (Answer(State.BOOKED, NOW), "time of the meeting"),
        (Answer(State.CONTACTED, NOW), "needs how"),
    ],
)
async def test_what_an_answer_lacks_is_said(db: Database, answer: Answer, problem: str) -> None:
    world = world_with(db)
    row = await give(world)
    with pytest.raises(InputError, match=problem):
        await world.desk.answer(row.id, answer)
    assert (await again(world)).state == "open"


async def test_a_booked_meeting_is_a_contact_where_that_is_agreed(db: Database) -> None:
    world = world_with(db)
    row = await give(world)
    await world.desk.answer(row.id, Answer(State.BOOKED, NOW + DAY, until=NOW + 6 * DAY))
    booked = await again(world)
    assert (booked.state, booked.contacted_at, booked.how) == ("booked", NOW + DAY, "booking")
    assert (await world.lead("anna@example.org")).stage == "sql"


async def test_elsewhere_the_clock_waits_for_the_meeting(db: Database) -> None:
    world = world_with(db, terms=replace(PLAYBOOK.handover.terms, contacted=("call", "meeting")))
    row = await give(world)
    await world.desk.answer(row.id, Answer(State.BOOKED, NOW + DAY, until=NOW + 6 * DAY))
    waiting = await again(world)
    assert (waiting.state, waiting.contacted_at) == ("accepted", None)
    assert waiting.due_at == row.due_at + 5 * DAY


@pytest.mark.parametrize("contacted", [("call", "meeting"), ("booking",)])
async def test_a_meeting_that_is_told_twice_is_noted_once_and_may_be_moved(
    db: Database, contacted: tuple[str, ...]
) -> None:
    world = world_with(db, terms=replace(PLAYBOOK.handover.terms, contacted=contacted))
    row = await give(world)
    booked = Answer(State.BOOKED, NOW + HOUR, until=NOW + 6 * DAY)
    await world.desk.answer(row.id, booked)
    said = await world.desk.answer(row.id, replace(booked, at=NOW + 2 * HOUR))
    assert said == "This was already noted as booked; nothing changed."
    moved = replace(booked, at=NOW + 3 * HOUR, until=NOW + 7 * DAY)
    await world.desk.answer(row.id, moved)
    noted = [event.kind for event in await world.rows(HandoverEventRow)]
    assert noted == ["opened", "booked", "booked"]
    assert (await again(world)).until == NOW + 7 * DAY


async def test_what_is_no_evidence_of_a_contact_leaves_the_deadline(db: Database) -> None:
    world = world_with(db, terms=replace(PLAYBOOK.handover.terms, contacted=("call",)))
    row = await give(world)
    said = await world.desk.answer(row.id, Answer(State.CONTACTED, NOW, how="mail"))
    assert "Only call counts as contact" in said
    assert (await again(world)).state == "open"
    assert "attempted" in [event.kind for event in await world.rows(HandoverEventRow)]


async def test_a_rejected_lead_that_named_a_day_is_left_alone_until_then(db: Database) -> None:
    world = world_with(db)
    row = await give(world)
    back = NOW + 60 * DAY
    await world.desk.answer(row.id, Answer(State.REJECTED, NOW, reason="no budget", until=back))
    assert (await world.lead("anna@example.org")).cooled_until == back
    runs = await world.rows(EnrolmentRow)
    assert [run.started_at for run in runs if run.flow == "win-back"] == [back]


async def test_saying_it_twice_changes_nothing_but_another_date_moves_it(db: Database) -> None:
    world = world_with(db)
    row = await give(world)
    snooze = Answer(State.SNOOZED, NOW, reason="asked to wait", until=NOW + 10 * DAY)
    await world.desk.answer(row.id, snooze)
    assert "nothing changed" in await world.desk.answer(row.id, snooze)
    await world.desk.answer(row.id, replace(snooze, until=NOW + 5 * DAY))
    assert (await again(world)).due_at == row.due_at + 5 * DAY
    reject = Answer(State.REJECTED, NOW, reason="no budget", until=NOW + 60 * DAY)
    await world.desk.answer(row.id, reject)
    assert "nothing changed" in await world.desk.answer(row.id, reject)


async def test_a_second_reason_is_told_as_news_of_the_same_handover(db: Database) -> None:
    world = world_with(db)
    row = await give(world)
    same = await world.desk.open("anna@example.org", "called us herself", "Bo", NOW + DAY)
    assert same == row.id
    [_, news] = sorted(await world.rows(NoticeRow), key=lambda notice: notice.number)
    assert news.type == "lead.handover.enriched"
    assert news.data["handover"]["news"] == "called us herself"


async def test_a_lead_given_by_hand_is_in_the_hands_of_sales(db: Database) -> None:
    world = world_with(db)
    await world.tell("page")
    handover = await world.desk.open("anna@example.org", "met at the fair", "Bo", NOW)
    row = await again(world)
    assert (row.id, row.reason, row.trigger) == (handover, "met at the fair", "Bo")
    assert (await world.lead("anna@example.org")).sales_owned
    with pytest.raises(InputError, match="nobody goes by that name"):
        await world.desk.open("nobody@example.org", "", "Bo", NOW)


async def test_sales_people_take_turns_by_weight_and_capacity(db: Database) -> None:
    world = world_with(db, team=people(Owner("Anna", weight=2), Owner("Bo"), Owner("Cy", 9, 1)))
    given = [(await give(world, name)).owner for name in ("a", "b", "c", "d")]
    assert given == ["Cy", "Anna", "Anna", "Bo"]


async def test_a_rule_decides_who_gets_whom(db: Database) -> None:
    rule = Assignment(("Bo",), when(lambda facts: facts.lead.persona == "pro"))
    world = world_with(db, team=people(Owner("Anna"), Owner("Bo"), rules=(rule,)))
    assert (await give(world)).owner == "Bo"


async def test_who_is_away_gets_no_lead(db: Database) -> None:
    away = Owner("Anna", absent=(Absence(NOW - DAY, NOW + DAY),))
    world = world_with(db, team=people(away, Owner("Bo")))
    assert (await give(world)).owner == "Bo"


async def test_the_deadline_waits_while_the_owner_is_away(db: Database) -> None:
    away = Owner("Anna", absent=(Absence(NOW + DAY, NOW + 8 * DAY),))
    world = world_with(db, team=people(away))
    assert (await give(world)).due_at == NOW + 9 * DAY


async def test_the_agreement_may_say_that_an_absence_stops_nothing(db: Database) -> None:
    away = Owner("Anna", absent=(Absence(NOW + DAY, NOW + 8 * DAY),))
    world = world_with(db, team=people(away), absence_pauses=False)
    assert (await give(world)).due_at == NOW + 2 * DAY


async def test_a_running_handover_keeps_the_terms_it_was_given(db: Database) -> None:
    world = world_with(db)
    row = await give(world)
    shorter = replace(
        PLAYBOOK.handover, terms=replace(PLAYBOOK.handover.terms, contact_within=Span(HOUR))
    )
    world.shelf.book = replace(PLAYBOOK, handover=shorter)  # type: ignore[attr-defined]
    said = await world.desk.answer(row.id, Answer(State.CONTACTED, NOW + DAY, how="call"))
    assert said == "Noted: contacted."


async def look(world: World, row: HandoverRow, now: datetime) -> datetime | None:
    """What the handover's workflow does at that time; when it would look again."""
    book = await world.shelf.current(None)  # type: ignore[arg-type]
    async with world.outbox.write() as session:
        found = await owned.hold(session, HandoverRow, row.id)
        assert found is not None
        return await world.handovers.act(session, book, book, *found, now)


async def told(world: World) -> list[str]:
    """The news that sales got, in order."""
    rows = sorted(await world.rows(NoticeRow), key=lambda notice: notice.number)
    return [notice.type.rpartition(".")[2] for notice in rows]


async def test_after_a_lead_went_back_nothing_else_is_done_about_it(db: Database) -> None:
    late = (Escalation("Sales lead"), Escalation("Head of sales", Span(3 * DAY)))
    terms = replace(PLAYBOOK.handover.terms, recycle_after=Span(DAY), escalations=late)
    world = world_with(db, terms=terms)
    row = await give(world)
    assert await look(world, row, NOW + 20 * DAY) is None
    assert await told(world) == ["created", "reminder", "reminder", "escalated", "recycled"]
    assert (await again(world)).owner == "Anna"


async def test_a_leave_of_before_a_colleague_got_the_lead_mends_no_broken_promise(
    db: Database,
) -> None:
    away = Owner("Bo", absent=(Absence(NOW + HOUR, NOW + 3 * DAY),))
    world = world_with(db, team=people(Owner("Anna"), away))
    row = await give(world)
    for day in (2, 4, 5):
        await look(world, row, NOW + day * DAY)
    passed_on = await again(world)
    assert (passed_on.owner, passed_on.due_at) == ("Bo", NOW + 2 * DAY)
    await world.desk.answer(row.id, Answer(State.CONTACTED, NOW + 5 * DAY, how="call"))
    assert (await world.reports.summary(NOW + 6 * DAY))["sla"]["broken"] == 1


async def test_an_erasure_or_an_order_before_the_deadline_keeps_no_promise_of_sales(
    db: Database,
) -> None:
    world = world_with(db)
    await give(world, "anna")
    await give(world, "bo")
    await world.privacy.erase("anna@example.org", "me", NOW + DAY)
    await world.tell("order_completed", "bo@example.org", NOW + DAY, properties={"amount": 5})
    for sla in [(await world.reports.summary(NOW + days * DAY))["sla"] for days in (1, 9)]:
        assert (sla["kept"], sla["broken"], sla["running"]) == (0, 0, 0)
    contact = (await world.reports.summary(NOW + 9 * DAY))["contact"]
    assert (contact["kept"], contact["broken"], contact["running"]) == (0, 0, 0)


async def test_what_the_owner_before_missed_and_what_the_next_one_misses_both_count(
    db: Database,
) -> None:
    terms = replace(PLAYBOOK.handover.terms, accept_within=Span(HOUR))
    anna = Owner("Anna", absent=(Absence(NOW + HOUR / 2, NOW + 10 * HOUR),))
    bo = Owner("Bo", absent=(Absence(NOW + 5 * HOUR, NOW + 20 * HOUR),))
    world = world_with(db, team=people(anna, bo), terms=terms)
    row = await give(world)
    for hour in (1, 11):
        await look(world, row, NOW + hour * HOUR)
    held = await again(world)
    assert (held.owner, held.held_since) == ("Bo", NOW + 11 * HOUR)
    await look(world, row, NOW + 12 * HOUR)
    away = NOW + 2 * DAY + timedelta(hours=9.5) + 9 * HOUR
    assert (await again(world)).due_at == away


async def test_sales_is_asked_for_the_outcome_anew_after_each_meeting(db: Database) -> None:
    terms = replace(PLAYBOOK.handover.terms, outcome_within=Span(90 * DAY), remind_at=(0.8,))
    world = world_with(db, terms=terms)
    row = await give(world)
    await world.desk.answer(row.id, Answer(State.CONTACTED, NOW, how="call"))
    await look(world, row, NOW + 73 * DAY)
    assert await told(world) == ["created", "reminder"]
    met = NOW + 80 * DAY
    await world.desk.answer(row.id, Answer(State.BOOKED, NOW + 75 * DAY, until=met))
    await world.desk.answer(row.id, Answer(State.CONTACTED, met, how="meeting"))
    assert await look(world, row, NOW + 91 * DAY) == met + 72 * DAY
    assert await look(world, row, met + 72 * DAY) == met + 90 * DAY
    assert await told(world) == ["created", "reminder", "reminder"]
    await look(world, row, met + 90 * DAY)
    assert (await again(world)).state == "recycled"


async def test_marketing_is_quiet_for_a_while_after_a_talk_with_sales(db: Database) -> None:
    world = world_with(db, conversation_holds=7 * DAY)
    await world.tell("sales_conversation", trusted=False)
    assert (await world.lead("anna@example.org")).talks_until is None
    lead = await world.tell("sales_conversation")
    assert leads.standing(lead).talks_until == NOW + 7 * DAY


async def ask(world: World, within: timedelta | None = None) -> HandoverRow:
    """A task of the flow `welcome`, as its step asks for it."""
    lead = await world.tell("page")
    task = CreateTask("call", "call", "sales", "Call", Span(within) if within else None)
    async with world.outbox.write() as session:
        row = await leads.lock(session, lead.id)
        assert row is not None
        facts = await leads.facts(session, row, NOW)
        return await world.handovers.ask(
            session, PLAYBOOK, row, facts, task, "Call Anna", "welcome", NOW
        )


async def test_a_task_has_its_own_deadline(db: Database) -> None:
    world = world_with(db)
    assert (await ask(world, within=4 * HOUR)).due_at == NOW + 4 * HOUR


async def test_a_task_that_is_done_tells_its_flow_and_leaves_the_stage_alone(db: Database) -> None:
    world = world_with(db)
    row = await ask(world)
    view = await world.desk.view(row.id)
    assert view is not None
    assert set(view.answers) == {"accepted", "contacted", "booked", "snoozed", "rejected"}
    await world.desk.answer(row.id, Answer(State.CONTACTED, NOW, how="call"))
    [done] = [touch for touch in await world.rows(TouchRow) if touch.name == "task_done"]
    assert (done.properties["flow"], done.properties["step"]) == ("welcome", "call")
    assert (await world.lead("anna@example.org")).stage == "lead"
    with pytest.raises(InputError, match="cannot become won"):
        await world.desk.answer(row.id, Answer(State.WON, NOW, amount=1))


async def test_the_meeting_of_a_task_can_be_moved_and_its_flow_hears_of_it_once(
    db: Database,
) -> None:
    world = world_with(db)
    row = await ask(world)
    for day in (2, 5):
        booked = Answer(State.BOOKED, NOW + HOUR, until=NOW + day * DAY)
        assert await world.desk.answer(row.id, booked) == "Noted: booked."
    met = Answer(State.CONTACTED, NOW + 5 * DAY, how="meeting")
    assert await world.desk.answer(row.id, met) == "Noted: contacted."
    [done] = [touch for touch in await world.rows(TouchRow) if touch.name == "task_done"]
    assert done.at == NOW + HOUR


async def test_a_task_that_is_done_makes_room_for_what_is_open(db: Database) -> None:
    world = world_with(db)
    task = await ask(world)
    await world.desk.answer(task.id, Answer(State.CONTACTED, NOW + HOUR, how="call"))
    assert (await again(world)).closed_at == NOW + HOUR
    assert await world.reports.handovers(open_only=True) == []
    page = await world.dashboard.queue.page("talking", None, NOW + DAY)
    assert (page.lines, page.numbers["talking"], page.owners) == ([], 0, [])
    over = await world.dashboard.queue.page("over", None, NOW + DAY)
    assert [line.id for line in over.lines] == [task.id]


async def test_a_task_that_the_release_before_left_unclosed_is_over_all_the_same(
    db: Database,
) -> None:
    world = world_with(db)
    task = await ask(world)
    async with db.write() as session:
        row = await session.get(HandoverRow, task.id)
        assert row is not None
        row.state, row.contacted_at = State.BOOKED, NOW
    assert await world.reports.handovers(open_only=True) == []
    over = await world.dashboard.queue.page("over", None, NOW + DAY)
    assert [line.id for line in over.lines] == [task.id]


async def test_who_has_the_lead_sees_it_while_a_colleague_has_a_task_of_it(db: Database) -> None:
    world = world_with(db)
    given = await give(world)
    task = await ask(world)
    assert (given.owner, task.owner) == ("Anna", "Bo")
    assert await seen_by(world) == {"Anna", "Bo"}
    await world.desk.answer(task.id, Answer(State.CONTACTED, NOW, how="call"))
    assert await seen_by(world) == {"Anna"}
    await world.desk.answer(given.id, Answer(State.REJECTED, NOW, reason="no budget"))
    assert await seen_by(world) == {"Bo"}


async def seen_by(world: World) -> set[str]:
    """The sales people who find the lead on their list and may open it."""
    lead, found = await world.lead("anna@example.org"), set()
    async with world.db.read() as session:
        for owner in ("Anna", "Bo", "Cy"):
            listed = await lead_list.page(session, Filter(owner=owner), None, 10)
            assert bool(listed) == await handovers.is_owned(session, lead.id, owner)
            found |= {owner} if listed else set()
    return found


async def test_an_order_leaves_a_task_of_a_flow_to_be_done(db: Database) -> None:
    world = world_with(db)
    task = await ask(world)
    await world.tell("order_completed", at=NOW + DAY, properties={"amount": 50_000})
    assert await world.desk.answer(task.id, Answer(State.CONTACTED, NOW + DAY, how="call"))


async def test_what_was_given_up_is_listed_and_sent_again(db: Database) -> None:
    world = world_with(db)
    row = await give(world)
    desk = Notices(db)
    async with db.write() as session:
        await notices.close(session, "http_410", NOW)
    [lost] = await desk.dead()
    assert "data" not in lost
    assert "http_410" in await desk.closed()
    with pytest.raises(
        InputError, match=r"the receiver wants no calls \(.*\); open it again first"
    ):
        await desk.resend([lost["id"]], NOW)
    assert await desk.reopen()
    assert await desk.resend([], NOW) == 1
    assert await desk.dead() == []
    shown = await desk.show(row.id)
    assert shown is not None
    assert [told["id"] for told in shown["notices"]] == [lost["id"]]
    await world.outbox.relay(NOW)
    assert ("handover", row.id) in world.alarm.woken
    with pytest.raises(InputError, match="no notice"):
        await desk.resend(["msg_unknown"], NOW)
    await world.privacy.erase("anna@example.org", "operator", NOW)
    with pytest.raises(
        InputError, match="nothing is left of it to tell: the person was erased"
    ) as refused:
        await desk.resend([lost["id"]], NOW)
    assert refused.value.place == lost["id"]
    assert (await world.rows(NoticeRow))[0].dead_at == NOW


async def test_long_lists_are_read_page_by_page_and_all_that_was_given_up_is_sent_again(
    db: Database,
) -> None:
    world, desk = world_with(db), Notices(db)
    given = [await give(world, name) for name in ("anna", "bo", "cy")]
    ids = sorted(row.id for row in given)
    async with db.write() as session:
        await notices.close(session, "http_410", NOW)
    for open_only, order in ((True, ids), (False, ids[::-1])):
        listed = await world.reports.handovers(open_only, limit=2)
        listed += await world.reports.handovers(open_only, after=listed[-1]["id"], limit=2)
        assert [row["id"] for row in listed] == order
    lost = await desk.dead(limit=2)
    lost += await desk.dead(after=lost[-1]["id"], limit=2)
    assert [row["handover_id"] for row in lost] == ids
    with pytest.raises(InputError, match="there is no notice msg_unknown"):
        await desk.dead(after="msg_unknown")
    with pytest.raises(InputError, match="there is no handover h9"):
        await world.reports.handovers(after="h9")
    await desk.reopen()
    assert await desk.resend([], NOW) == 3
    assert await desk.dead() == []
    async with db.write() as session:
        await notices.close(session, "http_410", NOW)
    await world.privacy.erase("anna@example.org", "operator", NOW)
    anna = ids.index(given[0].id)
    rest = await desk.dead(after=lost[anna]["id"])  # a reader may stand where somebody was erased
    assert [row["handover_id"] for row in rest] == ids[anna + 1 :]


def test_terms_of_a_team_name_everybody_once() -> None:
    team = people(Owner("Anna", 2))
    assert team.member("Anna").weight == 2
    assert team.member("left long ago") == Owner("left long ago")
    assert Terms(Span(DAY), PLAYBOOK.handover.terms.calendar, (), (Escalation("Boss"),)).contacted
