"""The agreement over weeks of skipped time: pauses, absences, business hours, receivers that are gone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from nurture.delivery.sales.webhook import WebhookDesk
from nurture.domain import topics
from nurture.domain.calendar import Span
from nurture.domain.effects import CreateTask
from nurture.domain.enrolment import Entry
from nurture.domain.errors import Gone, InputError
from nurture.domain.flow import Act, Email, Flow, WaitFor
from nurture.domain.owners import Absence, Owner
from nurture.domain.sla import State, Team
from nurture.handovers.notices import Notices
from nurture.store.handover_tables import HandoverEventRow, HandoverRow, NoticeRow
from nurture.store.tables import MessageRow
from tests.support.agreement import RULE, agree, answer, hand_over, heard, the_handover
from tests.support.domain import DAY, HOUR
from tests.support.playbook import PLAYBOOK
from tests.support.temporal import Stage

SECRET = "whsec_" + "Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0ND"


async def test_a_lead_that_asked_to_wait_is_not_chased_before_its_day(stage: Stage) -> None:
    row = await hand_over(stage)
    until = await stage.now() + 20 * DAY
    await answer(stage, row, State.SNOOZED, reason="asked to wait", until=until)
    await stage.pass_time(19 * DAY)
    assert heard(stage) == ["created"]
    await stage.pass_time(3 * DAY + HOUR)
    assert heard(stage) == ["created", "reminder", "reminder", "escalated"]


async def test_the_promise_is_kept_when_the_call_comes_after_the_snooze(stage: Stage) -> None:
    row = await hand_over(stage)
    until = await stage.now() + 20 * DAY
    await answer(stage, row, State.SNOOZED, reason="asked to wait", until=until)
    await stage.pass_time(21 * DAY)
    assert await answer(stage, row, State.CONTACTED, how="call") == "Noted: contacted."
    assert (await the_handover(stage)).due_at > until


async def test_a_lead_nobody_accepts_goes_to_the_next_owner(stage: Stage) -> None:
    agree(stage, terms=replace(RULE.terms, accept_within=Span(8 * HOUR)))
    row = await hand_over(stage)
    await stage.pass_time(9 * HOUR)
    assert heard(stage) == ["created", "reassigned"]
    assert (row.owner, (await the_handover(stage)).owner) == ("Anna", "Bo")


async def test_an_accepted_lead_stays_with_its_owner_and_keeps_its_deadline(stage: Stage) -> None:
    agree(stage, terms=replace(RULE.terms, accept_within=Span(8 * HOUR)))
    row = await hand_over(stage)
    await answer(stage, row, State.ACCEPTED)
    await stage.pass_time(2 * DAY + HOUR)
    assert heard(stage) == ["created", "reminder", "reminder", "escalated"]
    assert (await the_handover(stage)).owner == "Anna"


async def test_while_the_owner_is_away_nothing_is_due(stage: Stage) -> None:
    now = await stage.now()
    away = Owner("Anna", absent=(Absence(now + DAY / 2, now + 10 * DAY),))
    agree(stage, team=Team("sales", "Sales", ("Anna",), people=(away,)))
    await hand_over(stage)
    await stage.pass_time(10 * DAY)
    assert heard(stage) == ["created"]
    await stage.pass_time(DAY)
    assert heard(stage) == ["created", "reminder"]


async def test_an_absence_that_becomes_known_later_counts_too(stage: Stage) -> None:
    row = await hand_over(stage)
    now = await stage.now()
    away = Owner("Anna", absent=(Absence(now + HOUR, now + 5 * DAY),))
    agree(stage, team=Team("sales", "Sales", ("Anna", "Bo"), people=(away,)))
    await stage.pass_time(4 * DAY)
    assert heard(stage) == ["created"]
    assert await answer(stage, row, State.CONTACTED, how="call") == "Noted: contacted."


async def test_a_receiver_that_is_gone_is_left_alone_until_it_is_opened_again(
    stage: Stage,
) -> None:
    stage.sales.errors = [Gone("http_410")]
    await hand_over(stage)
    await stage.pass_time(2 * DAY + HOUR)
    assert stage.sales.got == []
    desk = Notices(stage.world.db)
    assert [lost["type"].rpartition(".")[2] for lost in await desk.dead()] == [
        "created",
        "reminder",
        "reminder",
        "escalated",
    ]
    await desk.reopen()
    now = await stage.now()
    assert await desk.resend([], now) == 4
    await stage.world.outbox.relay(now)
    await stage.pass_time(HOUR)
    assert heard(stage) == ["created", "reminder", "reminder", "escalated"]


class Receiver:
    """An HTTP receiver that is down for its first calls; then it takes what the official package accepts."""

    def __init__(self, down_for: int) -> None:
        self.down_for = down_for
        self.told: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.down_for:
            self.down_for -= 1
            raise httpx.ConnectError("refused", request=request)
        body = Webhook(SECRET).verify(request.content.decode(), dict(request.headers))
        self.told.append((request.headers["webhook-id"], body))
        return httpx.Response(204)


async def test_a_receiver_down_for_two_days_gets_the_signed_bytes_once_and_in_order(
    stage: Stage,
) -> None:
    receiver = Receiver(down_for=29)
    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as client:
        url = "https://crm.example/hook"
        stage.sales.through = WebhookDesk(client, url, [SECRET], lambda: datetime.now(UTC))
        await hand_over(stage)
        await stage.pass_time(6 * DAY)
    rows = sorted(await stage.world.rows(NoticeRow), key=lambda row: row.number)
    assert [id for id, _ in receiver.told] == [row.id for row in rows]
    assert [body["data"] for _, body in receiver.told] == [row.data for row in rows]
    waited = rows[0].delivered_at and rows[0].delivered_at - rows[0].created_at
    assert waited is not None
    assert waited > 2 * DAY
    assert rows[0].attempts == 30


async def test_news_of_a_lead_that_was_contacted_still_reaches_sales(stage: Stage) -> None:
    row = await hand_over(stage)
    await answer(stage, row, State.CONTACTED, how="call")
    await stage.pass_time(HOUR)
    await stage.world.desk.open("anna@example.org", "asked for a price", "Bo", await stage.now())
    await stage.pass_time(HOUR)
    assert heard(stage) == ["created", "enriched"]


CALL = Flow(
    id="welcome",
    title="Call",
    first="call",
    steps={
        "call": Act(CreateTask("call", "call", "sales", "Call", Span(4 * HOUR)), next="called"),
        "called": WaitFor(
            Span(DAY), touch="task_done", of="call", then="thanks", otherwise="sorry"
        ),
        "thanks": Email("guide"),
        "sorry": Email("last"),
    },
)


async def task_of(stage: Stage) -> HandoverRow:
    stage.book.book = replace(
        PLAYBOOK,
        flows={**PLAYBOOK.flows, "welcome": CALL},
        entries={"welcome": Entry(on=frozenset({topics.STAGE}), stage="lead")},
    )
    await stage.tell("page", traits={"first_name": "Anna"})
    await stage.pass_time(timedelta(minutes=1))
    return await the_handover(stage)


async def test_a_task_that_is_done_leads_its_flow_on(stage: Stage) -> None:
    row = await task_of(stage)
    assert row.due_at == row.opened_at + 4 * HOUR
    await answer(stage, row, State.CONTACTED, how="call")
    await stage.pass_time(HOUR)
    assert stage.mailer.subjects == ["guide Anna"]
    assert stage.sales.heard == ["lead.task.created"]
    assert stage.sales.got[0].data["handover"]["ask"] == "call"
    assert (await stage.world.lead("anna@example.org")).stage == "lead"


async def test_a_task_nobody_does_is_chased_and_its_flow_goes_the_other_way(stage: Stage) -> None:
    await task_of(stage)
    await stage.pass_time(DAY + 2 * HOUR)
    assert stage.mailer.subjects == ["last Anna"]
    assert heard(stage) == ["created", "reminder", "reminder", "escalated"]
    lead = await stage.world.lead("anna@example.org")
    assert (lead.stage, lead.sales_owned) == ("lead", False)


async def test_after_a_talk_with_sales_the_next_mail_waits_its_time(stage: Stage) -> None:
    agree(stage, conversation_holds=7 * DAY)
    await stage.tell("page", traits={"first_name": "Anna"})
    await stage.pass_time(HOUR)
    assert stage.mailer.subjects == ["hello Anna"]
    await stage.tell("sales_conversation")
    await stage.pass_time(4 * DAY)
    assert stage.mailer.subjects == ["hello Anna"]
    await stage.pass_time(4 * DAY)
    assert stage.mailer.subjects == ["hello Anna", "guide Anna"]
    reasons = {row.template: row.reason for row in await stage.world.rows(MessageRow)}
    assert reasons == {"hello": "", "guide": "waited: sales_conversation"}


async def test_a_contact_before_the_deadline_keeps_the_promise(stage: Stage) -> None:
    row = await hand_over(stage)
    await stage.pass_time(2 * DAY - HOUR)
    assert await answer(stage, row, State.CONTACTED, how="call") == "Noted: contacted."
    await stage.pass_time(20 * DAY)
    sla = (await stage.world.reports.summary(await stage.now()))["sla"]
    assert (sla["kept"], sla["broken"]) == (1, 0)
    assert heard(stage) == ["created", "reminder", "reminder"]


async def test_a_late_answer_is_taken_and_said_to_be_late_and_the_promise_is_broken(
    stage: Stage,
) -> None:
    row = await hand_over(stage)
    await stage.pass_time(3 * DAY + HOUR)
    said = await answer(stage, row, State.CONTACTED, how="call")
    assert said == "Noted: contacted. The contact came after its deadline."
    await stage.pass_time(20 * DAY)
    assert heard(stage) == ["created", "reminder", "reminder", "escalated", "escalated"]
    sla = (await stage.world.reports.summary(await stage.now()))["sla"]
    assert (sla["kept"], sla["broken"]) == (0, 1)


async def test_what_waited_for_sales_goes_on_when_the_lead_is_taken_back(stage: Stage) -> None:
    await stage.tell("page", traits={"first_name": "Anna"})
    await stage.pass_time(HOUR)
    assert stage.mailer.subjects == ["hello Anna"]
    await hand_over(stage)
    await stage.pass_time(6 * DAY)
    assert stage.mailer.subjects == ["hello Anna"]
    await stage.pass_time(DAY + 2 * HOUR)
    assert heard(stage)[-1] == "recycled"
    assert sorted(stage.mailer.subjects) == ["comeback Anna", "guide Anna", "hello Anna"]


async def test_an_answer_after_the_lead_went_back_is_refused(stage: Stage) -> None:
    row = await hand_over(stage)
    await stage.pass_time(10 * DAY)
    with pytest.raises(InputError, match="is recycled, so it cannot become contacted"):
        await answer(stage, row, State.CONTACTED, how="call")


OUTCOME = replace(RULE.terms, outcome_within=Span(30 * DAY))


async def test_a_lead_whose_end_sales_never_tells_returns_to_marketing(stage: Stage) -> None:
    agree(stage, terms=OUTCOME)
    row = await hand_over(stage)
    await answer(stage, row, State.CONTACTED, how="call")
    await stage.pass_time(23 * DAY)
    assert heard(stage) == ["created"]
    await stage.pass_time(2 * DAY)
    assert heard(stage) == ["created", "reminder"]
    assert "What became of it?" in stage.sales.got[-1].data["handover"]["news"]
    assert stage.mailer.subjects == []
    await stage.pass_time(6 * DAY)
    assert heard(stage) == ["created", "reminder", "recycled"]
    assert (await the_handover(stage)).outcome == "sales told no outcome in time"
    assert "comeback Anna" in stage.mailer.subjects


async def test_a_meeting_moves_the_day_on_which_an_outcome_is_due(stage: Stage) -> None:
    agree(stage, terms=OUTCOME)
    row = await hand_over(stage)
    await answer(stage, row, State.CONTACTED, how="call")
    await answer(stage, row, State.BOOKED, until=await stage.now() + 20 * DAY)
    await stage.pass_time(49 * DAY)
    assert heard(stage) == ["created", "reminder"]
    await answer(stage, row, State.WON, amount=9_000)
    await stage.pass_time(20 * DAY)
    assert heard(stage) == ["created", "reminder"]
    assert (await the_handover(stage)).state == "won"


async def test_everything_that_happened_stands_in_the_history(stage: Stage) -> None:
    row = await hand_over(stage)
    await answer(stage, row, State.BOOKED, until=await stage.now() + DAY)
    await answer(stage, row, State.WON, amount=12_000)
    kinds = [event.kind for event in await stage.world.rows(HandoverEventRow)]
    assert kinds == ["opened", "booked", "won"]
