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
from nurture.store.handover_tables import HandoverRow, NoticeRow
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
