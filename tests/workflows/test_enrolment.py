"""A lead's weeks in a flow, on real timers that are skipped."""

import re
from asyncio import gather
from dataclasses import replace
from datetime import timedelta

from nurture.domain.calendar import Calendar
from nurture.domain.consent import ConsentRecord
from nurture.domain.errors import AddressRefused, Transient, Unknown
from nurture.domain.gate import MailRules
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import EnrolmentRow, MessageRow, WakeupRow
from nurture.tokens import CONFIRM, Tokens
from tests.support.both import ON_BOTH
from tests.support.domain import DAY, HOUR
from tests.support.playbook import ASKING, PLAYBOOK, playbook
from tests.support.temporal import Stage
from tests.support.world import World


@ON_BOTH
async def test_mails_go_out_on_their_days(stage: Stage) -> None:
    await stage.tell("form_submitted", traits={"first_name": "Anna"})
    await stage.pass_time(2 * DAY)
    assert stage.mailer.subjects == ["hello Anna"]
    await stage.pass_time(2 * DAY)
    assert stage.mailer.subjects == ["hello Anna", "guide Anna"]
    await stage.pass_time(10 * DAY)
    assert stage.mailer.subjects == ["hello Anna", "guide Anna", "last Anna"]
    [run] = await stage.world.rows(EnrolmentRow)
    assert run.ended == "finished"


@ON_BOTH
async def test_what_a_process_that_died_had_only_written_begins_with_the_relay(
    stage: Stage,
) -> None:
    died = World(stage.world.db, stage.book)
    died.alarm.down = Transient("killed")
    await died.tell("form_submitted", at=await stage.now(), traits={"first_name": "Anna"})
    await stage.pass_time(HOUR)
    assert stage.mailer.got == []
    now = await stage.now()
    taken = await gather(stage.world.outbox.relay(now), stage.world.outbox.relay(now))
    assert sorted(taken) == [0, 1], "of two workers' relays one takes it"
    await stage.pass_time(HOUR)
    assert stage.mailer.subjects == ["hello Anna"]
    assert await stage.world.rows(WakeupRow) == []


@ON_BOTH
async def test_a_click_ends_the_wait_and_hands_the_lead_over(stage: Stage) -> None:
    await stage.tell("form_submitted")
    await stage.pass_time(3 * DAY + HOUR)
    guide = stage.mailer.got[1]
    await stage.world.click(guide.id, await stage.now())
    await stage.pass_time(HOUR)
    [handover] = await stage.world.rows(HandoverRow)
    assert handover.reason == "read the guide"
    assert stage.sales.heard == ["lead.handover.created"]


async def test_a_scanners_click_does_not_end_the_wait(stage: Stage) -> None:
    await stage.tell("form_submitted")
    await stage.pass_time(3 * DAY + HOUR)
    guide = stage.mailer.got[1]
    await stage.world.intake.hit(guide.id, "clicked", {}, "scanner", await stage.now())
    await stage.pass_time(HOUR)
    assert await stage.world.rows(HandoverRow) == []


async def test_without_consent_no_mail_goes_out_and_the_ledger_says_why(stage: Stage) -> None:
    await stage.tell("form_submitted", consents=())
    await stage.pass_time(20 * DAY)
    rows = await stage.world.rows(MessageRow)
    assert stage.mailer.got == []
    assert {(row.state, row.reason) for row in rows} == {("refused", "no_consent")}


async def test_a_withdrawal_stops_the_mails_still_to_come(stage: Stage) -> None:
    lead = await stage.tell("form_submitted")
    await stage.pass_time(DAY)
    now = await stage.now()
    await stage.world.intake.withdraw(lead.id, "email_marketing", "unsubscribe", now)
    await stage.pass_time(20 * DAY)
    assert len(stage.mailer.got) == 1


async def test_a_lead_in_the_hands_of_sales_gets_no_nurture_mail(stage: Stage) -> None:
    await stage.tell("demo_requested", traits={"occupation": "pro"})
    await stage.pass_time(20 * HOUR)
    assert stage.mailer.got == []


async def test_a_provider_that_is_down_for_a_while_delays_but_does_not_double(stage: Stage) -> None:
    stage.mailer.errors = [Transient("451", retry_after=timedelta(minutes=30))] * 3
    await stage.tell("form_submitted")
    await stage.pass_time(6 * HOUR)
    assert len(stage.mailer.got) == 1


async def test_a_mailbox_that_does_not_exist_gets_no_further_mail(stage: Stage) -> None:
    stage.mailer.errors = [AddressRefused("550", "no such user")]
    await stage.tell("form_submitted")
    await stage.pass_time(20 * DAY)
    states = [(row.step, row.state, row.reason) for row in await stage.world.rows(MessageRow)]
    assert stage.mailer.got == []
    assert ("hello", "bounced", "550: no such user") in states
    assert ("guide", "refused", "hard_bounce") in states


async def test_an_outcome_nobody_knows_is_reported_and_never_sent_again(stage: Stage) -> None:
    stage.mailer.errors = [Unknown("timeout", "after DATA")]
    await stage.tell("form_submitted")
    await stage.pass_time(DAY)
    summary = await stage.world.reports.summary(await stage.now())
    assert stage.mailer.got == []
    assert summary["mails"]["unknown"] == 1


@ON_BOTH
async def test_a_mail_that_never_went_out_is_sent_once_more_even_when_the_flow_is_over(
    stage: Stage,
) -> None:
    stage.mailer.errors = [Unknown("timeout", "after DATA")]
    await stage.tell("form_submitted", traits={"first_name": "Anna"})
    await stage.pass_time(20 * DAY)
    assert stage.mailer.subjects == ["guide Anna", "last Anna"]
    [lost] = await stage.world.mails.list("unknown")
    now = await stage.now()
    await stage.world.mails.settle([lost["id"]], False, "Bo", now)
    await stage.world.outbox.relay(now)
    await stage.pass_time(HOUR)
    assert stage.mailer.subjects == ["guide Anna", "last Anna", "hello Anna"]
    [run] = await stage.world.rows(EnrolmentRow)
    assert (run.again, run.ended) == ([], "finished")
    assert await stage.world.mails.list("unknown") == []


async def test_one_that_never_went_out_waits_for_the_send_window_though_the_flow_is_over(
    stage: Stage,
) -> None:
    stage.mailer.errors = [Unknown("timeout", "after DATA")]
    await stage.tell("form_submitted", traits={"first_name": "Anna"})
    await stage.pass_time(20 * DAY)
    [lost] = await stage.world.mails.list("unknown")
    now = await stage.now()
    rules = MailRules(window=Calendar(frozenset({(now + 2 * DAY).weekday()})))
    welcome = replace(PLAYBOOK.flows["welcome"], mail=rules)
    stage.book.book = playbook(flows={**PLAYBOOK.flows, "welcome": welcome})
    await stage.world.mails.settle([lost["id"]], False, "Bo", now)
    await stage.world.outbox.relay(now)
    await stage.pass_time(HOUR)
    assert stage.mailer.subjects == ["guide Anna", "last Anna"]
    await stage.pass_time(3 * DAY)
    assert stage.mailer.subjects == ["guide Anna", "last Anna", "hello Anna"]


async def test_what_must_not_go_out_any_more_is_not_sent_once_more(stage: Stage) -> None:
    stage.mailer.errors = [Unknown("timeout", "after DATA")]
    lead = await stage.tell("form_submitted")
    await stage.pass_time(HOUR)
    [lost] = await stage.world.mails.list("unknown")
    now = await stage.now()
    await stage.world.intake.withdraw(lead.id, "email_marketing", "unsubscribe", now)
    await stage.world.mails.settle([lost["id"]], False, "Bo", now)
    await stage.world.outbox.relay(now)
    await stage.pass_time(HOUR)
    assert stage.mailer.got == []
    [row] = await stage.world.mails.list(lead=lead.id, limit=1)
    assert (row["state"], row["reason"]) == ("refused", "unsubscribed")


async def test_while_a_sender_stands_still_its_mails_are_held_and_then_go_out(
    stage: Stage,
) -> None:
    await stage.world.watch.pause("courses", "too many complaints", "test", await stage.now())
    await stage.tell("form_submitted", traits={"first_name": "Anna"})
    await stage.pass_time(2 * DAY)
    [run] = await stage.world.rows(EnrolmentRow)
    assert (stage.mailer.got, run.held) == ([], "sender_paused")
    now = await stage.now()
    assert await stage.world.watch.resume("courses", "test", now) == 1
    await stage.world.outbox.relay(now)
    await stage.pass_time(HOUR)
    assert stage.mailer.subjects == ["hello Anna"]


async def test_a_double_opt_in_mail_goes_out_without_consent_and_its_link_confirms(
    stage: Stage,
) -> None:
    stage.book.book = ASKING
    asked = ConsentRecord("email_marketing", True, await stage.now(), "form/guide", "Write to me.")
    await stage.tell("form_submitted", consents=(), requests=(asked,), source="form/guide")
    await stage.pass_time(HOUR)
    [mail] = [each for each in stage.mailer.got if each.subject == "Is it you?"]
    rows = {row.flow: row.state for row in await stage.world.rows(MessageRow)}
    assert rows == {"confirm": "accepted", "welcome": "refused"}
    [token] = re.findall(r'https://n.example/y/([^"]+)"', mail.html)
    lead, message = Tokens(["key"]).read(CONFIRM, token)
    await stage.world.intake.confirm(lead, message, await stage.now())
    await stage.pass_time(4 * DAY)
    assert "guide" in stage.mailer.subjects
