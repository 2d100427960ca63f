"""How a handover ends: given back under stages that were edited since, won by an order, or with a colleague."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from nurture.domain.calendar import Span
from nurture.domain.lifecycle import Lifecycle, Stage
from nurture.domain.owners import Absence, Owner
from nurture.domain.sla import State, Team
from nurture.domain.steps import Paused
from nurture.incoming import Answer, Incoming
from nurture.playbook import Playbook
from nurture.store import owned
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow, NoticeRow, SaleRow
from nurture.store.tables import EnrolmentRow
from tests.support.domain import DAY, HOUR, NOW
from tests.support.playbook import PLAYBOOK
from tests.support.world import OneBook, World

VISITOR, LEAD, MQL, SQL, *REST = PLAYBOOK.lifecycle.stages
OPPORTUNITY, VIP = Stage("opportunity", "Opportunity"), Stage("vip", "VIP")
EDITED = replace(
    PLAYBOOK,
    hash="edited",
    lifecycle=Lifecycle((VISITOR, LEAD, MQL, SQL, OPPORTUNITY, *REST, VIP)),
)
REJECTED = Answer(State.REJECTED, NOW + DAY, reason="no budget")


class Edited(OneBook):
    """A shelf whose playbook may be edited; handovers that were opened before keep theirs."""

    async def version(self, session: Any, version: str) -> Playbook:
        return PLAYBOOK if version == PLAYBOOK.hash else self.book


@pytest.fixture
def shelf() -> Edited:
    return Edited()


@pytest.fixture
def world(db: Database, shelf: Edited) -> World:
    return World(db, shelf)


async def given(world: World) -> str:
    """Anna, handed over."""
    await world.tell("demo_requested", traits={"occupation": "pro", "first_name": "Anna"})
    return (await handover(world)).id


async def handover(world: World) -> HandoverRow:
    [row] = await world.rows(HandoverRow)
    assert isinstance(row, HandoverRow)
    return row


async def news(world: World) -> NoticeRow:
    """What sales was told last."""
    rows = sorted(await world.rows(NoticeRow), key=lambda notice: notice.number)
    assert isinstance(rows[-1], NoticeRow)
    return rows[-1]


async def move(world: World, stage: str) -> None:
    await world.stages.move("anna@example.org", stage, "import", "crm", NOW + 2 * HOUR)


async def test_a_lead_in_a_stage_that_came_after_its_handover_goes_back_like_any_other(
    world: World, shelf: Edited
) -> None:
    row = await given(world)
    shelf.book = EDITED
    await world.desk.answer(row, Answer(State.ACCEPTED, NOW + HOUR))
    await move(world, "opportunity")
    await world.desk.answer(row, REJECTED)
    assert (await world.lead("anna@example.org")).stage == "lead"


async def test_a_talk_takes_no_lead_down_from_a_stage_that_came_after_its_handover(
    world: World, shelf: Edited
) -> None:
    row = await given(world)
    shelf.book = EDITED
    await move(world, "opportunity")
    await world.desk.answer(row, Answer(State.CONTACTED, NOW + DAY, how="call"))
    assert (await world.lead("anna@example.org")).stage == "opportunity"


async def test_a_customer_in_a_stage_that_came_after_its_handover_stays_one(
    world: World, shelf: Edited
) -> None:
    await world.tell("order_completed", properties={"amount": 5})
    row = await world.desk.open("anna@example.org", "more seats", "Bo", NOW + HOUR)
    shelf.book = EDITED
    await move(world, "vip")
    await world.desk.answer(row, REJECTED)
    lead = await world.lead("anna@example.org")
    assert (lead.stage, lead.cooled_until) == ("vip", None)
    assert "win-back" not in [run.flow for run in await world.rows(EnrolmentRow)]


async def test_an_order_that_is_heard_of_late_ends_no_handover_before_its_talk(
    world: World,
) -> None:
    row, talked, heard = await given(world), NOW + 3 * DAY, NOW + 5 * DAY
    await world.desk.answer(row, Answer(State.CONTACTED, talked, how="call"))
    order = Incoming(
        "order",
        NOW + DAY,
        email="anna@example.org",
        touch="order_completed",
        properties={"amount": 5},
        trusted=True,
    )
    await world.intake.take("shop", [order], heard)
    won = await handover(world)
    assert (won.state, won.closed_at) == ("won", talked)
    assert (await news(world)).created_at == heard


async def test_a_crm_that_knows_only_the_person_may_say_won_after_the_order_came(
    world: World,
) -> None:
    row = await given(world)
    await world.tell("order_completed", at=NOW + DAY, properties={"amount": 5})
    assert await world.desk.current_of("anna@example.org") == row
    said = await world.desk.answer(row, Answer(State.WON, NOW + 2 * DAY, amount=5))
    assert said == "This was already noted as won; nothing changed."


DEAL: dict[str, Any] = {"amount": 12_500}
WON = Answer(State.WON, NOW + 5 * DAY, amount=12_500)


async def sales(world: World) -> list[tuple[int, datetime]]:
    rows = sorted(await world.rows(SaleRow), key=lambda row: row.at)
    return [(row.amount, row.at) for row in rows]


async def order(world: World, at: datetime, about: dict[str, Any] = DEAL, **more: Any) -> None:
    await world.tell("order_completed", at=at, properties=about, **more)


@pytest.mark.parametrize("days", [-4, 0, 20])
@pytest.mark.parametrize("told_first", ["won", "order"])
async def test_an_order_and_the_won_that_sales_says_of_it_are_one_sale_whichever_comes_first(
    world: World, days: int, told_first: str
) -> None:
    row, at = await given(world), WON.at + days * DAY
    await world.desk.answer(row, Answer(State.LOST, NOW))  # so that no order wins it
    if told_first == "won":
        await world.desk.answer(row, WON)
    await order(world, at)
    await order(world, at, message_id="m2")  # what came before, once more
    if told_first == "order":
        await world.desk.answer(row, WON)
    assert await sales(world) == [(12_500, min(at, WON.at))]
    assert (await world.reports.summary(NOW + 60 * DAY))["kpi"]["revenue"] == 12_500
    [sale] = await world.rows(SaleRow)
    assert sale.handover_id == row


@pytest.mark.parametrize(
    ("order_told", "counted"),
    [
        ({"amount": 12_499.6}, [12_500]),
        ({"amount": 12_500.9}, [12_501]),
        ({"amount": 12_502}, [12_500, 12_502]),
        ({"amount": 12_500, "currency": "EUR"}, [12_500, 12_500]),
        ({"amount": 12_500, "currency": "dkk"}, [12_500]),
    ],
)
async def test_an_order_of_another_amount_than_sales_said_is_another_sale(
    world: World, order_told: dict[str, Any], counted: list[int]
) -> None:
    await world.desk.answer(await given(world), WON)
    await order(world, WON.at + DAY, order_told)
    assert [amount for amount, _ in await sales(world)] == counted


async def test_what_a_subscription_costs_the_next_time_is_a_sale_of_its_own(world: World) -> None:
    await world.desk.answer(await given(world), WON)
    for days in (3, 10):
        await order(world, WON.at + days * DAY)
    assert await sales(world) == [(12_500, WON.at), (12_500, WON.at + 10 * DAY)]
    await order(world, WON.at + 31 * DAY)
    assert len(await sales(world)) == 3


async def test_an_order_long_after_sales_said_won_is_another_sale(world: World) -> None:
    await world.desk.answer(await given(world), WON)
    await order(world, WON.at + 22 * DAY)
    assert len(await sales(world)) == 2


@pytest.mark.parametrize("told_first", ["won", "order"])
async def test_what_was_ordered_before_sales_had_the_lead_is_not_what_sales_won(
    world: World, told_first: str
) -> None:
    before = {"at": NOW - DAY, "email": None, "user_id": "shop-7"}
    if told_first == "order":
        await order(world, **before)
    await world.desk.answer(await given(world), WON)
    if told_first == "won":
        await order(world, **before)
    await world.tell("page", at=WON.at + 2 * DAY, user_id="shop-7")  # one person after all
    assert await sales(world) == [(12_500, NOW - DAY), (12_500, WON.at)]


@pytest.mark.parametrize("told_first", ["won", "order"])
async def test_won_of_a_lost_lead_is_one_sale_with_the_order_that_won_it_when_handed_over_again(
    world: World, told_first: str
) -> None:
    lost = await given(world)
    await world.desk.answer(lost, Answer(State.LOST, NOW))
    await world.desk.open("anna@example.org", "called again", "Bo", NOW + DAY)
    if told_first == "won":
        await world.desk.answer(lost, WON)
    await order(world, WON.at - DAY)
    if told_first == "order":
        await world.desk.answer(lost, WON)
    assert await sales(world) == [(12_500, WON.at - DAY)]
    assert {row.state for row in await world.rows(HandoverRow)} == {"won"}


async def test_an_order_that_was_told_of_somebody_who_turns_out_to_be_the_lead_is_its_sale(
    world: World,
) -> None:
    await world.desk.answer(await given(world), WON)
    await order(world, WON.at + DAY, email=None, user_id="shop-7")
    assert len(await sales(world)) == 2
    await world.tell("page", at=WON.at + 2 * DAY, user_id="shop-7")
    assert await sales(world) == [(12_500, WON.at)]
    await order(world, WON.at + 3 * DAY)
    assert await sales(world) == [(12_500, WON.at), (12_500, WON.at + 3 * DAY)]


async def test_what_a_customer_orders_without_sales_does_not_win_what_sales_has_in_hand(
    world: World,
) -> None:
    await order(world, NOW, {"amount": 5})
    row = await world.desk.open("anna@example.org", "more seats", "Bo", NOW + HOUR)
    await order(world, NOW + DAY, {"amount": 5})
    assert (await handover(world)).state == "open"
    assert (await world.lead("anna@example.org")).sales_owned
    told = await news(world)
    assert (told.type, told.data["handover"]["news"]) == (
        "lead.handover.enriched",
        "Ordered for 5 DKK. Say won if that is your sale: it counts once.",
    )
    await order(world, NOW + 2 * DAY)
    await world.desk.answer(row, WON)
    assert [amount for amount, _ in await sales(world)] == [5, 5, 12_500]


@pytest.mark.parametrize("by_hand", [False, True])
async def test_who_becomes_a_customer_while_sales_has_it_is_won_by_the_order(
    world: World, by_hand: bool
) -> None:
    await given(world)
    if by_hand:
        await move(world, "customer")
    await order(world, NOW + DAY)
    assert (await handover(world)).state == "won"


async def test_an_order_that_is_told_late_makes_a_customer_of_before_the_handover(
    world: World,
) -> None:
    row = await given(world)
    await order(world, NOW - DAY, {"amount": 5})
    await order(world, NOW + DAY)
    assert (await handover(world)).state == "open"
    await world.desk.answer(row, WON)
    assert len(await sales(world)) == 2


async def test_the_order_of_what_was_won_before_does_not_win_the_next_thing_sales_has_in_hand(
    world: World, shelf: Edited
) -> None:
    """Also where `won` makes no customer by itself."""
    stages = [replace(s, by=frozenset({"import"})) if s.id == "customer" else s for s in REST]
    lifecycle = Lifecycle((VISITOR, LEAD, MQL, SQL, *stages))
    shelf.book = replace(PLAYBOOK, hash="edited", lifecycle=lifecycle)
    await world.desk.answer(await given(world), WON)
    await world.desk.open("anna@example.org", "more seats", "Bo", WON.at + HOUR)
    await order(world, WON.at + DAY)
    states = {row.ordinal: row.state for row in await world.rows(HandoverRow)}
    assert states == {1: "won", 2: "open"}
    assert len(await sales(world)) == 1


async def test_of_a_lead_that_went_back_no_handover_is_under_way(world: World) -> None:
    await world.desk.answer(await given(world), REJECTED)
    assert await world.desk.current_of("anna@example.org") is None


async def look(world: World, now: datetime) -> datetime | None:
    """What the handover's workflow does at that time; when it would look again."""
    book = await world.shelf.current(None)  # type: ignore[arg-type]
    async with world.outbox.write() as session:
        found = await owned.hold(session, HandoverRow, (await handover(world)).id)
        assert found is not None
        return await world.handovers.act(session, book, book, *found, now)


async def test_a_colleague_who_gets_a_lead_is_not_given_the_leave_of_the_one_before(
    world: World, shelf: Edited
) -> None:
    away = Owner("Anna", absent=(Absence(NOW + DAY, NOW + 15 * DAY),))
    team = Team("sales", "Sales", ("Anna", "Bo"), people=(away, Owner("Bo")))
    terms = replace(PLAYBOOK.handover.terms, accept_within=Span(HOUR), remind_at=(0.75,))
    rule = replace(PLAYBOOK.handover, team=team, terms=terms)
    shelf.book = replace(PLAYBOOK, hash="leave", handover=rule)
    await given(world)
    assert await look(world, NOW + HOUR) == NOW + 1.5 * DAY
    told = await news(world)
    assert (told.type, (await handover(world)).owner) == ("lead.handover.reassigned", "Bo")
    assert told.data["handover"]["due_at"] == (NOW + 2 * DAY).isoformat()


async def test_a_talk_before_a_booked_meeting_leaves_time_for_the_meeting(
    world: World, shelf: Edited
) -> None:
    """Also where booking it was no contact."""
    terms = replace(
        PLAYBOOK.handover.terms,
        contacted=("call", "meeting"),
        outcome_within=Span(5 * DAY),
        remind_at=(),
    )
    rule = replace(PLAYBOOK.handover, terms=terms)
    shelf.book = replace(PLAYBOOK, hash="calls", handover=rule)
    row, met = await given(world), NOW + 10 * DAY
    await world.desk.answer(row, Answer(State.BOOKED, NOW + HOUR, until=met))
    await world.desk.answer(row, Answer(State.CONTACTED, NOW + DAY, how="call"))
    assert await look(world, NOW + 6 * DAY) == met + 5 * DAY


@pytest.mark.parametrize("paused", [None, Paused.HOLD])
async def test_a_lead_that_goes_back_enters_its_flow_unless_nobody_does_now(
    world: World, shelf: Edited, paused: Paused | None
) -> None:
    id_ = await given(world)
    flows = {**PLAYBOOK.flows, "win-back": replace(PLAYBOOK.flows["win-back"], paused=paused)}
    shelf.book = replace(PLAYBOOK, hash="edited", flows=flows)
    await world.desk.answer(id_, REJECTED)
    runs = [run.flow for run in await world.rows(EnrolmentRow)]
    assert ("win-back" in runs) is (paused is None)
