"""Which account takes a mail, how many go out a day, and what happens when nobody knows whether one did."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from nurture.domain.allowance import Allowance
from nurture.domain.calendar import Span
from nurture.domain.effects import CreateTask, Effect, HandOver, SetTag
from nurture.domain.errors import (
    AddressRefused,
    Deferred,
    MailboxFull,
    Permanent,
    Transient,
    Unknown,
)
from nurture.domain.flow import Act, Email, Flow, Wait, WaitFor
from nurture.domain.steps import Step
from nurture.playbook import Playbook
from nurture.ports import Mail, MailAccount
from nurture.store import messages
from nurture.store.tables import EnrolmentRow, MessageRow
from tests.support.domain import DAY, HOUR
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.temporal import Postbox, Stage, another_worker

UNLIMITED = Allowance()
DOWN, NO_ANSWER = Transient("no_connection"), Unknown("connection_lost")
LATER = Deferred("refused_for_now", "450 4.1.2 domain not found")
ACCOUNTS = {"first": MailAccount("first", "resend"), "second": MailAccount("second", "smtp")}


@dataclass
class Mailers:
    """Each account's own postbox."""

    boxes: dict[str, Postbox] = field(default_factory=dict)

    def of(self, account: MailAccount) -> Postbox:
        return self.boxes.setdefault(account.id, Postbox())


def _one_mail(**sender: Any) -> Playbook:
    """A flow of one mail, and its sender changed."""
    senders = {"courses": replace(PLAYBOOK.senders["courses"], **sender)}
    return _flow_of({"hello": Email("hello")}, senders=senders, accounts=ACCOUNTS)


def _flow_of(steps: dict[str, Step], **changes: Any) -> Playbook:
    flow = Flow("welcome", "Welcome", steps, next(iter(steps)))
    return playbook(flows={**PLAYBOOK.flows, "welcome": flow}, **changes)


async def _tell(
    stage: Stage,
    errors: dict[str, list[Exception]],
    wait: timedelta = 6 * HOUR,
    allowance: Allowance = UNLIMITED,
    **times: timedelta,
) -> Mailers:
    """A lead enters; what each account raises first, and how long it knows a mail again."""
    mailers = Mailers()
    for name in ACCOUNTS:
        box = mailers.of(ACCOUNTS[name])
        box.errors = errors.get(name, [])
        box.known_for = times.get(name, timedelta())
    stage.sending._mailers = mailers  # the stage's one postbox gives way to one an account
    stage.book.book = _one_mail(through=("first", "second"), allowance=allowance)
    await stage.tell("form_submitted")
    await stage.pass_time(wait)
    return mailers


async def _ledger(stage: Stage) -> MessageRow:
    [row] = await stage.world.rows(MessageRow)
    assert isinstance(row, MessageRow)
    return row


async def test_the_second_account_sends_what_the_first_did_not_take(stage: Stage) -> None:
    mailers = await _tell(stage, {"first": [DOWN]})
    row = await _ledger(stage)
    assert len(mailers.boxes["second"].got) == 1
    assert (row.state, row.account, row.attempts) == ("accepted", "second", 2)


async def test_an_account_that_just_failed_is_not_asked_for_the_next_mail(stage: Stage) -> None:
    mailers = await _tell(stage, {"first": [DOWN]}, timedelta(seconds=5))
    await stage.tell("form_submitted", email="bo@example.org")
    await stage.pass_time(timedelta(seconds=10))
    assert len(mailers.boxes["second"].got) == 2
    await stage.pass_time(HOUR)
    await stage.tell("form_submitted", email="eva@example.org")
    await stage.pass_time(HOUR)
    assert len(mailers.boxes["first"].got) == 1


async def test_an_address_that_takes_no_mail_for_now_turns_nobody_elses_away_from_the_account(
    stage: Stage,
) -> None:
    mailers = await _tell(stage, {"first": [LATER]}, timedelta(seconds=5))
    await stage.tell("form_submitted", email="bo@example.org")
    await stage.pass_time(timedelta(seconds=10))
    assert [mail.to for mail in mailers.boxes["first"].got] == ["bo@example.org"]
    assert [mail.to for mail in mailers.boxes["second"].got] == ["anna@example.org"]


async def test_a_mail_that_its_recipient_puts_off_for_five_days_came_back_and_the_lead_goes_on(
    stage: Stage,
) -> None:
    """At a pace of one day = one minute."""
    stage.mailer.errors = [LATER] * 100
    stage.book.book = replace(_one_mail(), day=timedelta(minutes=1))
    await stage.tell("form_submitted")
    await stage.pass_time(timedelta(minutes=4))
    assert (await _ledger(stage)).state == "planned"
    await stage.pass_time(timedelta(minutes=6))
    [run], lead = await stage.world.rows(EnrolmentRow), await stage.world.lead("anna@example.org")
    row = await _ledger(stage)
    assert (row.state, row.bounce, row.reason) == ("bounced", "soft", str(LATER))
    assert (run.ended, lead.soft_bounces, lead.suppressed) == ("finished", 1, None)


@pytest.mark.parametrize(
    ("refusal", "bounce", "stands"),
    [
        (AddressRefused("address_refused", "550 5.1.1 no such user"), "hard", ("hard_bounce", 0)),
        (MailboxFull("mailbox_full", "552 5.2.2 mailbox full"), "soft", (None, 1)),
    ],
)
async def test_a_mail_that_comes_back_at_once_counts_like_one_that_does_so_later(
    stage: Stage, refusal: Permanent, bounce: str, stands: tuple[str | None, int]
) -> None:
    steps = {
        "hello": Email("hello", next="back"),
        "back": WaitFor(Span(3 * DAY), touch="bounced", of="hello", then="told"),
        "told": Act(SetTag("came-back")),
    }
    stage.mailer.errors = [refusal]
    stage.book.book = _flow_of(steps)
    await stage.tell("form_submitted")
    await stage.pass_time(HOUR)
    row, lead = await _ledger(stage), await stage.world.lead("anna@example.org")
    assert (row.state, row.bounce, row.reason) == ("bounced", bounce, str(refusal))
    assert (lead.suppressed, lead.soft_bounces, lead.tags) == (*stands, ["came-back"])
    assert row.sent_at is None


async def test_a_refusal_of_the_address_that_the_lead_had_says_nothing_of_its_new_one(
    stage: Stage,
) -> None:
    async def moves(mail: Mail) -> str:
        await stage.tell("page", email="new@example.org", user_id="anna")
        raise AddressRefused("address_refused", "550 5.1.1 no such user")

    stage.book.book = _one_mail()
    stage.mailer.send = moves  # type: ignore[method-assign]
    await stage.tell("form_submitted", user_id="anna")
    await stage.pass_time(HOUR)
    lead = await stage.world.lead("new@example.org")
    assert ((await _ledger(stage)).bounce, lead.suppressed) == ("hard", None)


async def test_an_outage_before_it_does_not_count_against_a_recipient(stage: Stage) -> None:
    stage.mailer.errors = [DOWN] * 20 + [LATER]
    stage.book.book = replace(_one_mail(), day=timedelta(minutes=1))
    await stage.tell("form_submitted")
    await stage.pass_time(HOUR)
    assert (await _ledger(stage)).state == "accepted"


async def test_a_mail_that_the_first_may_have_taken_goes_to_no_other(stage: Stage) -> None:
    mailers = await _tell(stage, {"first": [NO_ANSWER]})
    assert mailers.boxes["second"].got == []
    assert (await _ledger(stage)).state == "unknown"


async def test_when_no_account_takes_it_all_are_asked_again_later(stage: Stage) -> None:
    mailers = await _tell(stage, {"first": [DOWN], "second": [DOWN]})
    row = await _ledger(stage)
    assert len(mailers.boxes["first"].got) == 1
    assert (row.state, row.account, row.attempts) == ("accepted", "first", 3)


async def test_an_account_that_knows_its_mails_is_asked_again_when_it_gave_no_answer(
    stage: Stage,
) -> None:
    lost = Unknown("connection_lost", repeatable=True)
    mailers = await _tell(stage, {"first": [lost, DOWN]}, first=DAY)
    row = await _ledger(stage)
    assert len(mailers.boxes["first"].got) == 1
    assert mailers.boxes["second"].got == []
    assert (row.state, row.attempts) == ("accepted", 3)


async def test_a_mail_that_is_asked_for_again_takes_no_second_place_in_the_share_of_the_day(
    stage: Stage,
) -> None:
    lost = Unknown("connection_lost", repeatable=True)
    await _tell(stage, {"first": [lost]}, allowance=Allowance(a_day=1), first=DAY)
    row = await _ledger(stage)
    assert (row.state, row.attempts) == ("accepted", 2)


async def test_once_it_would_not_know_the_mail_again_the_mail_is_given_up(stage: Stage) -> None:
    lost = [Unknown("connection_lost", repeatable=True) for _ in range(100)]
    mailers = await _tell(stage, {"first": lost}, first=HOUR)
    row = await _ledger(stage)
    assert mailers.boxes["first"].got == []
    assert row.state == "unknown"
    assert len(lost) > 50  # not asked for ever


async def test_a_sender_sends_its_share_a_day_and_the_others_wait_for_theirs(stage: Stage) -> None:
    stage.book.book = _one_mail(allowance=Allowance(a_day=2))
    for name in ("a", "b", "c", "d", "e"):
        await stage.tell("form_submitted", email=f"{name}@example.org")
    await stage.pass_time(timedelta(minutes=1))
    runs = await stage.world.rows(EnrolmentRow)
    assert len(stage.mailer.got) == 2
    assert sorted(run.held for run in runs if not run.ended) == ["daily_limit"] * 3
    turns = sorted(run.wake_at for run in runs if not run.ended)
    assert [later - earlier for earlier, later in pairwise(turns)] == [DAY / 2] * 2
    await stage.pass_time(turns[1] - await stage.now() + timedelta(minutes=1))
    assert len(stage.mailer.got) == 4
    await stage.pass_time(DAY)
    assert len(stage.mailer.got) == 5


async def test_a_mail_that_waits_for_its_day_still_asks_the_gate(stage: Stage) -> None:
    stage.book.book = _one_mail(allowance=Allowance(a_day=1))
    await stage.tell("form_submitted", email="a@example.org")
    await stage.pass_time(timedelta(minutes=1))
    lead = await stage.tell("form_submitted", email="b@example.org")
    await stage.pass_time(timedelta(minutes=1))
    await stage.world.intake.withdraw(lead.id, "email_marketing", "unsubscribe", await stage.now())
    await stage.pass_time(2 * DAY)
    rows = {row.lead_id: row.state for row in await stage.world.rows(MessageRow)}
    assert rows[lead.id] == "refused"


async def test_a_mail_whose_sender_died_is_unknown_even_if_the_gate_now_refuses_it(
    stage: Stage,
) -> None:
    async def dies(mail: Mail) -> str:
        lead = await stage.world.lead("anna@example.org")
        now = await stage.now()
        await stage.world.intake.withdraw(lead.id, "email_marketing", "unsubscribe", now)
        raise RuntimeError("as if the process were gone")

    row = await _sent_by(stage, dies)
    assert (row.state, row.reason) == ("unknown", "the sender died while sending")


async def test_an_attempt_that_was_taken_for_dead_does_not_send_what_a_later_one_has_in_hand(
    stage: Stage,
) -> None:
    """The two are on different workers; the later one has claimed the mail already."""
    sent: list[Mail] = []

    async def dies(mail: Mail) -> str:
        sent.append(mail)
        async with stage.world.db.write() as session:
            row = await session.get_one(MessageRow, mail.id)
            row.claimed_at += timedelta(seconds=3)
        raise RuntimeError("as if the process were gone")

    row = await _sent_by(stage, dies)
    assert len(sent) == 1
    assert row.state == "unknown"


async def test_what_became_of_a_mail_is_known_though_its_sender_was_taken_for_dead(
    stage: Stage,
) -> None:
    async def sends(mail: Mail) -> str:
        async with stage.world.db.write() as session:
            row = await session.get_one(MessageRow, mail.id)
            row.state = messages.UNKNOWN
        return "provider-1"

    row = await _sent_by(stage, sends)
    assert (row.state, row.provider_id) == ("accepted", "provider-1")


async def _sent_by(stage: Stage, send: Callable[[Mail], Awaitable[str]]) -> MessageRow:
    """What the ledger says of a flow's one mail, an hour after it was due."""
    stage.book.book = _one_mail()
    stage.mailer.send = send  # type: ignore[method-assign]
    await stage.tell("form_submitted")
    await stage.pass_time(HOUR)
    return await _ledger(stage)


@pytest.mark.parametrize(
    ("effect", "told"),
    [
        (CreateTask("call", "call", "sales", "Call"), "lead.task.created"),
        (HandOver("read the guide"), "lead.handover.created"),
    ],
)
async def test_what_comes_after_a_mail_is_done_once_though_its_sender_was_taken_for_dead(
    stage: Stage, effect: Effect, told: str
) -> None:
    """While the first worker talks to the mail server, the second one takes the lead on to the wait."""
    steps = {
        "hello": Email("hello", next="ask"),
        "ask": Act(effect, next="rest"),
        "rest": Wait(Span(3 * DAY)),
    }
    stage.book.book = _flow_of(steps)
    stood: list[tuple[str | None, datetime]] = []

    async def sends(mail: Mail) -> str:
        [run] = await stage.world.rows(EnrolmentRow)
        await another_worker(stage, run.id, await stage.now() + timedelta(seconds=5))
        assert (await _ledger(stage)).state == "unknown"
        stood.extend(await _places(stage))
        return "provider-1"

    stage.mailer.send = sends  # type: ignore[method-assign]
    await stage.tell("form_submitted")
    await stage.pass_time(HOUR)
    row = await _ledger(stage)
    assert (row.state, row.provider_id) == ("accepted", "provider-1")
    assert stage.sales.heard == [told]
    assert stood == await _places(stage)
    assert [step for step, _ in stood] == ["rest"]
    await stage.pass_time(3 * DAY)
    [run] = await stage.world.rows(EnrolmentRow)
    assert run.ended == "finished"


async def _places(stage: Stage) -> list[tuple[str | None, datetime]]:
    return [(run.step, run.since) for run in await stage.world.rows(EnrolmentRow)]
