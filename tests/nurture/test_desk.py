"""What sales answers, and what follows."""

import pytest

from nurture.domain.errors import InputError
from nurture.domain.sla import State
from nurture.incoming import Answer, Incoming
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow, NoticeRow, SaleRow
from nurture.store.tables import EnrolmentRow
from tests.support.domain import DAY, NOW
from tests.support.world import World


async def _handed_over(db: Database) -> tuple[World, str]:
    world = World(db)
    await world.tell("demo_requested", traits={"occupation": "pro", "first_name": "Anna"})
    [row] = await world.rows(HandoverRow)
    world.alarm.woken.clear()
    return world, row.id


async def test_accepting_makes_the_lead_an_sql(db: Database) -> None:
    world, handover = await _handed_over(db)
    said = await world.desk.answer(handover, Answer(State.ACCEPTED, NOW))
    assert said == "Noted: accepted."
    assert (await world.lead("anna@example.org")).stage == "sql"


async def test_a_lead_that_asked_to_wait_is_no_sql_until_it_is_accepted(db: Database) -> None:
    world, handover = await _handed_over(db)
    snooze = Answer(State.SNOOZED, NOW, reason="asked to wait", until=NOW + 5 * DAY)
    await world.desk.answer(handover, snooze)
    assert (await world.lead("anna@example.org")).stage == "mql"
    await world.desk.answer(handover, Answer(State.ACCEPTED, NOW + DAY))
    assert (await world.lead("anna@example.org")).stage == "sql"


async def test_an_answer_after_which_nothing_is_due_sooner_wakes_nobody(db: Database) -> None:
    world, handover = await _handed_over(db)
    await world.desk.answer(handover, Answer(State.ACCEPTED, NOW))
    await world.outbox.drain()
    assert ("handover", handover) not in world.alarm.woken


async def test_contact_in_time_keeps_the_promise_and_ends_the_deadline(db: Database) -> None:
    world, handover = await _handed_over(db)
    await world.desk.answer(handover, Answer(State.CONTACTED, NOW + DAY, how="call"))
    await world.outbox.drain()
    summary = await world.reports.summary(NOW + 9 * DAY)
    assert summary["sla"]["kept"] == 1
    assert world.alarm.woken == [("handover", handover)]


async def test_contact_after_the_deadline_is_noted_as_late(db: Database) -> None:
    world, handover = await _handed_over(db)
    said = await world.desk.answer(handover, Answer(State.CONTACTED, NOW + 3 * DAY, how="call"))
    assert "after its deadline" in said
    assert (await world.reports.summary(NOW + 9 * DAY))["sla"]["broken"] == 1


async def test_the_same_answer_twice_changes_nothing(db: Database) -> None:
    world, handover = await _handed_over(db)
    await world.desk.answer(handover, Answer(State.ACCEPTED, NOW))
    said = await world.desk.answer(handover, Answer(State.ACCEPTED, NOW + DAY))
    assert "nothing changed" in said


async def test_a_rejected_lead_goes_back_to_nurture_and_rests(db: Database) -> None:
    world, handover = await _handed_over(db)
    await world.desk.answer(handover, Answer(State.REJECTED, NOW, reason="no budget"))
    lead = await world.lead("anna@example.org")
    flows = {run.flow for run in await world.rows(EnrolmentRow)}
    assert (lead.stage, lead.sales_owned) == ("lead", False)
    assert "win-back" in flows
    again = await world.tell("demo_requested", at=NOW + DAY)
    assert again.stage == "lead"
    later = await world.tell("demo_requested", at=NOW + 31 * DAY)
    assert later.stage == "mql"


async def test_a_customer_that_sales_gives_back_stays_one_and_is_not_won_back(
    db: Database,
) -> None:
    world = World(db)
    await world.tell("order_completed", properties={"amount": 40_000})
    upsell = await world.desk.open("anna@example.org", "wants more", "Bo", NOW + DAY)
    reject = Answer(State.REJECTED, NOW + 2 * DAY, reason="no budget")
    await world.desk.answer(upsell, reject)
    lead = await world.lead("anna@example.org")
    assert (lead.stage, lead.sales_owned, lead.cooled_until) == ("customer", False, None)
    assert "win-back" not in {run.flow for run in await world.rows(EnrolmentRow)}


async def test_a_visitor_that_sales_gives_back_does_not_rise_by_it(db: Database) -> None:
    world = World(db)
    await world.tell("page", email=None, user_id="u1")
    given = await world.desk.open("u1", "met at the fair", "Bo", NOW)
    await world.desk.answer(given, Answer(State.REJECTED, NOW + DAY, reason="wrong person"))
    assert (await world.lead("u1")).stage == "visitor"


async def test_a_rejection_needs_a_reason_from_the_list(db: Database) -> None:
    world, handover = await _handed_over(db)
    with pytest.raises(
        InputError, match="a rejection needs one of these reasons: no budget, wrong person"
    ):
        await world.desk.answer(handover, Answer(State.REJECTED, NOW, reason="meh"))


async def test_an_answer_that_contradicts_an_earlier_one_is_refused(db: Database) -> None:
    world, handover = await _handed_over(db)
    await world.desk.answer(handover, Answer(State.REJECTED, NOW, reason="no budget"))
    with pytest.raises(
        InputError, match="this handover is rejected, so it cannot become accepted any more"
    ):
        await world.desk.answer(handover, Answer(State.ACCEPTED, NOW))


async def test_a_won_lead_is_a_customer_with_revenue(db: Database) -> None:
    world, handover = await _handed_over(db)
    await world.desk.answer(handover, Answer(State.WON, NOW + DAY, amount=41_000, currency="DKK"))
    [sale] = await world.rows(SaleRow)
    assert (sale.amount, sale.currency) == (41_000, "DKK")
    assert (await world.lead("anna@example.org")).stage == "customer"


async def test_an_order_wins_the_lead_that_sales_has_and_counts_once(db: Database) -> None:
    world, handover = await _handed_over(db)
    lead = await world.tell("order_completed", at=NOW + DAY, properties={"amount": 50_000})
    await world.outbox.drain()
    assert (lead.stage, lead.sales_owned) == ("customer", False)
    assert ("handover", handover) in world.alarm.woken
    said = await world.desk.answer(handover, Answer(State.WON, NOW + 2 * DAY, amount=50_000))
    assert said == "This was already noted as won; nothing changed."
    assert [(s.amount, s.handover_id) for s in await world.rows(SaleRow)] == [(50_000, handover)]
    [_, news] = sorted(await world.rows(NoticeRow), key=lambda notice: notice.number)
    assert news.type == "lead.handover.won"
    assert news.data["handover"]["news"] == (
        "Sold for 50000 DKK: it counts as won, and nothing is left to do."
    )


async def test_an_order_of_before_the_lead_was_given_to_sales_leaves_it_there(
    db: Database,
) -> None:
    world, handover = await _handed_over(db)
    lead = await world.tell("order_completed", at=NOW - DAY, properties={"amount": 50_000})
    assert (lead.stage, lead.sales_owned) == ("customer", True)
    await world.desk.answer(handover, Answer(State.REJECTED, NOW, reason="no budget"))
    assert (await world.lead("anna@example.org")).stage == "customer"


async def test_an_order_that_is_only_rehearsed_leaves_the_lead_with_sales(db: Database) -> None:
    world, _ = await _handed_over(db)
    order = {"amount": 50_000}
    bought = Incoming("m", NOW, email="anna@example.org", touch="order_completed", properties=order)
    await world.intake.rehearsed().take("import", [bought._replace(trusted=True)], NOW)
    assert (await world.lead("anna@example.org")).sales_owned
    assert len(await world.rows(NoticeRow)) == 1


async def test_a_lost_lead_that_is_won_while_sales_has_it_again_is_won_once(db: Database) -> None:
    world, lost = await _handed_over(db)
    await world.desk.answer(lost, Answer(State.LOST, NOW + DAY))
    again = await world.desk.open("anna@example.org", "called again", "Bo", NOW + 40 * DAY)
    won = Answer(State.WON, NOW + 41 * DAY, amount=100)
    assert await world.desk.answer(lost, won) == "Noted: won."
    said = await world.desk.answer(again, won)
    assert said == "This was already noted as won; nothing changed."
    assert len(await world.rows(SaleRow)) == 1
    assert not (await world.lead("anna@example.org")).sales_owned
    assert (await world.reports.summary(NOW + 50 * DAY))["sla"]["kept"] == 2


async def test_a_lead_that_was_lost_in_time_and_is_won_weeks_later_breaks_no_promise(
    db: Database,
) -> None:
    world, handover = await _handed_over(db)
    await world.desk.answer(handover, Answer(State.LOST, NOW + DAY))
    await world.desk.answer(handover, Answer(State.WON, NOW + 20 * DAY, amount=100))
    summary = await world.reports.summary(NOW + 25 * DAY)
    for figures in (summary["sla"], summary["contact"]):
        assert (figures["kept"], figures["broken"]) == (1, 0)


async def test_nothing_is_answered_of_somebody_who_was_erased(db: Database) -> None:
    world, handover = await _handed_over(db)
    await world.desk.answer(handover, Answer(State.LOST, NOW))
    await world.privacy.erase("anna@example.org", "me", NOW + DAY)
    with pytest.raises(
        InputError, match="this person asked to be forgotten; nothing is kept of it any more"
    ):
        await world.desk.answer(handover, Answer(State.WON, NOW + 2 * DAY, amount=100))
    assert await world.rows(SaleRow) == []
    view = await world.desk.view(handover)
    assert view is not None
    assert view.answers == ()


async def test_won_needs_an_amount(db: Database) -> None:
    world, handover = await _handed_over(db)
    with pytest.raises(InputError, match="won needs the amount of the order, in whole units"):
        await world.desk.answer(handover, Answer(State.WON, NOW))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(State.CONTACTED, NOW), "how: contacted needs how"),
        (
            Answer(State.CONTACTED, NOW, how="call", until=NOW + DAY),
            "until: contacted has no date: only booked, snoozed and rejected do",
        ),
        (Answer(State.BOOKED, NOW), "until: booked needs the time of the meeting"),
        (Answer(State.BOOKED, NOW, until=NOW - DAY), "until: this date is over"),
        (Answer(State.BOOKED, NOW, until=NOW + 9999 * DAY), "until: at most 3660 days ahead"),
        (
            Answer(State.SNOOZED, NOW, reason="meh"),
            "a snooze needs one of these reasons: asked to wait",
        ),
        (
            Answer(State.SNOOZED, NOW, reason="asked to wait"),
            "until: a snooze needs the day the lead asked for",
        ),
    ],
)
async def test_an_answer_that_lacks_something_is_told_what(
    db: Database, answer: Answer, problem: str
) -> None:
    world, handover = await _handed_over(db)
    with pytest.raises(InputError) as refused:
        await world.desk.answer(handover, answer)
    assert str(refused.value) == problem


async def test_a_handover_that_is_not_there_cannot_be_answered(db: Database) -> None:
    world, _ = await _handed_over(db)
    with pytest.raises(InputError, match="this handover does not exist"):
        await world.desk.answer("h9", Answer(State.ACCEPTED, NOW))


async def test_the_answer_page_knows_what_may_be_answered(db: Database) -> None:
    world, handover = await _handed_over(db)
    await world.desk.answer(handover, Answer(State.CONTACTED, NOW, how="mail"))
    view = await world.desk.view(handover)
    assert view is not None
    assert view.lead_name == "Anna"
    assert [line.text for line in view.timeline] == ["Asked for a demo"]
    assert set(view.answers) == {"booked", "rejected", "won", "lost"}
