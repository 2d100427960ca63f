"""What providers tell: kept once, carried into ledger and lead, in whatever order it comes."""

import asyncio
from dataclasses import replace
from datetime import datetime
from itertools import permutations
from typing import Any

import pytest

from nurture.domain import gate, topics
from nurture.domain.consent import EMAIL_MARKETING
from nurture.domain.errors import InputError
from nurture.domain.feedback import Event, Kind
from nurture.domain.watch import Limits
from nurture.playbook import Retention
from nurture.store import leads
from nurture.store.database import Database
from nurture.store.feedback_tables import FeedbackRow
from nurture.store.tables import EnrolmentRow, LeadRow, TouchRow
from tests.support.domain import DAY, HOUR, NOW
from tests.support.mails import mail, sent
from tests.support.playbook import PLAYBOOK
from tests.support.world import OneBook, World


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def event(kind: Kind, id: str = "", at: datetime = NOW, **changes: Any) -> Event:
    return Event(**{"id": id or kind, "kind": kind, "at": at, "mails": ("mail",), **changes})


async def _verdict(world: World, lead: LeadRow) -> gate.Verdict:
    async with world.db.read() as session:
        row = await session.get(LeadRow, lead.id)
        assert row is not None
        facts = await leads.facts(session, row, NOW)
    return gate.ask(gate.MailRules(), facts, NOW, NOW)


@pytest.mark.parametrize(
    ("kind", "state", "verdict"),
    [
        (Kind.DELIVERED, "delivered", gate.Send()),
        (Kind.SOFT_BOUNCE, "bounced", gate.Send()),
        (Kind.HARD_BOUNCE, "bounced", gate.Refuse("hard_bounce")),
        (Kind.COMPLAINED, "complained", gate.Refuse("complaint")),
        (Kind.UNSUBSCRIBED, "delivered", gate.Refuse("unsubscribed")),
    ],
)
async def test_an_event_reaches_the_ledger_and_the_gate(
    world: World, kind: Kind, state: str, verdict: gate.Verdict
) -> None:
    lead = await sent(world, "mail")
    heard = await world.feedback.take("postmark", [event(kind, reason="550 no")], NOW)
    assert (heard.taken, heard.duplicates, heard.unmatched) == (1, 0, 0)
    assert (await mail(world)).state == state
    assert await _verdict(world, lead) == verdict


async def test_a_corrected_address_gets_mail_again_though_the_old_one_bounced(
    world: World,
) -> None:
    await sent(world, "mail", user_id="anna")
    bounced = event(Kind.HARD_BOUNCE, to="anna@example.org")
    await world.feedback.take("postmark", [bounced], NOW)
    lead = await world.tell("page", email="new@example.org", user_id="anna", at=NOW + HOUR)
    assert await _verdict(world, lead) == gate.Send()
    late = event(Kind.HARD_BOUNCE, "late", to="Anna@example.org")
    await world.feedback.take("postmark", [late], NOW + 2 * HOUR)
    assert await _verdict(world, lead) == gate.Send()
    forwarded = event(Kind.HARD_BOUNCE, "other", mails=(), to="new@example.org")
    await world.feedback.take("postmark", [forwarded], NOW + 3 * HOUR)
    assert await _verdict(world, lead) == gate.Refuse("hard_bounce")


async def test_a_complaint_goes_along_to_a_new_address(world: World) -> None:
    await sent(world, "mail", user_id="anna")
    await world.feedback.take("postmark", [event(Kind.COMPLAINED)], NOW)
    lead = await world.tell("page", email="new@example.org", user_id="anna", at=NOW + HOUR)
    assert await _verdict(world, lead) == gate.Refuse("complaint")


@pytest.mark.parametrize("dead", ["anna@example.org", "ann@example.org"])
async def test_of_two_leads_who_are_one_the_bounce_of_the_address_that_stays_counts(
    world: World, dead: str
) -> None:
    await sent(world, "mail", "anna@example.org", user_id="anna")
    await sent(world, "other", "ann@example.org", at=NOW + HOUR, user_id="ann")
    told = event(Kind.HARD_BOUNCE, mails=("mail" if dead.startswith("anna") else "other",))
    await world.feedback.take("postmark", [told], NOW + 2 * HOUR)
    lead = await world.tell(None, email=None, user_id="anna", previous_id="ann", at=NOW + DAY)
    assert lead.email == "ann@example.org"
    reached = lead.email != dead
    assert await _verdict(world, lead) == (gate.Send() if reached else gate.Refuse("hard_bounce"))


async def test_the_same_event_told_twice_changes_nothing_more(world: World) -> None:
    await sent(world, "mail")
    await world.feedback.take("postmark", [event(Kind.SOFT_BOUNCE)], NOW)
    again = await world.feedback.take("postmark", [event(Kind.SOFT_BOUNCE)], NOW + HOUR)
    assert (again.taken, again.duplicates) == (0, 1)
    assert [row.name for row in await world.rows(TouchRow)].count("bounced") == 1
    assert (await world.lead("anna@example.org")).soft_bounces == 1


async def test_told_twice_at_one_moment_it_is_stored_once(world: World) -> None:
    await sent(world, "mail")
    calls = (world.feedback.take("ses", [event(Kind.HARD_BOUNCE)], NOW) for _ in range(4))
    heard = await asyncio.gather(*calls)
    assert sum(each.taken for each in heard) == 1
    assert len(await world.rows(FeedbackRow)) == 1


async def test_a_call_with_thousands_of_events_is_taken(world: World) -> None:
    await sent(world, "mail")
    many = [event(Kind.OPENED, f"e{n}", mails=("mail", f"x{n}")) for n in range(450)]
    heard = await world.feedback.take("sendgrid", [*many, event(Kind.COMPLAINED)], NOW)
    assert heard.taken == 451
    assert (await mail(world)).state == "complained"


async def test_one_token_counts_for_one_event_only(world: World) -> None:
    await sent(world, "mail")
    true, forged = (
        event(Kind.DELIVERED, nonce="mailgun/t"),
        event(Kind.COMPLAINED, nonce="mailgun/t"),
    )
    await world.feedback.take("mailgun", [true], NOW)
    assert (await world.feedback.take("mailgun", [forged], NOW)).taken == 0
    assert (await mail(world)).state == "delivered"


async def test_whatever_the_order_the_end_is_the_same(world: World) -> None:
    kinds = (Kind.ACCEPTED, Kind.DELIVERED, Kind.SOFT_BOUNCE, Kind.COMPLAINED)
    ends = set()
    for number, order in enumerate(permutations(kinds)):
        name, email = f"mail{number}", f"a{number}@example.org"
        await sent(world, name, email)
        for kind in order:
            told = event(kind, f"{kind}/{number}", mails=(name,))
            await world.feedback.take("brevo", [told], NOW)
        lead, row = await world.lead(email), await mail(world, name)
        ends.add((row.state, row.bounce, lead.suppressed, lead.soft_bounces))
    assert ends == {("complained", "soft", "complaint", 1)}


@pytest.mark.parametrize("state", ["unknown", "claimed"])
async def test_an_event_resolves_a_mail_that_may_have_gone_out(world: World, state: str) -> None:
    await sent(world, "mail", state=state, sent_at=None)
    await world.feedback.take("resend", [event(Kind.DELIVERED, at=NOW - HOUR)], NOW)
    row = await mail(world)
    assert (row.state, row.sent_at) == ("delivered", NOW - HOUR)


async def test_a_mail_is_found_by_the_providers_own_id_too(world: World) -> None:
    await sent(world, "mail", provider_id="re_77")
    told = event(Kind.COMPLAINED, mails=("unheard-of", "re_77"))
    assert (await world.feedback.take("resend", [told], NOW)).taken == 1


async def test_news_of_no_mail_of_ours_is_kept_and_counted(world: World) -> None:
    told = event(Kind.HARD_BOUNCE, mails=("another",), raw='{"email": "x"}')
    heard = await world.feedback.take("ses", [told], NOW)
    assert heard.unmatched == 1
    assert (await world.rows(FeedbackRow))[0].raw == '{"email": "x"}'


async def test_a_trusted_provider_may_name_the_person_instead_of_the_mail(world: World) -> None:
    lead = await world.tell("form_submitted")
    told = event(Kind.COMPLAINED, mails=(), to="Anna@Example.org")
    await world.feedback.take("postmark", [told], NOW)
    assert await _verdict(world, lead) == gate.Refuse("complaint")


async def test_five_soft_bounces_in_a_row_stop_the_mails_and_one_that_arrives_clears_them(
    world: World,
) -> None:
    for number in range(5):
        lead = await sent(world, f"mail{number}", at=NOW + number * DAY)
        told = event(Kind.SOFT_BOUNCE, f"e{number}", mails=(f"mail{number}",))
        await world.feedback.take("brevo", [told], NOW + number * DAY)
    assert await _verdict(world, lead) == gate.Refuse("soft_bounces")
    late = event(Kind.DELIVERED, "late", mails=("mail5",))
    await sent(world, "mail5", at=NOW + 5 * DAY)
    await world.feedback.take("brevo", [late], NOW + 5 * DAY)
    assert await _verdict(world, lead) == gate.Send()


@pytest.mark.parametrize(
    ("news", "bounces"),
    [
        ({}, 1),  # over SMTP nobody tells that a mail arrived
        ({"state": "unknown"}, 2),
        ({"sent_at": NOW + 9 * DAY}, 2),
        ({"sent_at": NOW + 9 * DAY, "opened_at": NOW + 10 * DAY}, 1),
    ],
)
async def test_a_mail_that_was_read_or_of_which_nothing_was_told_in_time_ends_a_row_of_soft_bounces(
    world: World, news: dict[str, Any], bounces: int
) -> None:
    await sent(world, "first")
    await sent(world, "second", at=NOW + 5 * DAY, **news)
    lead = await sent(world, "third", at=NOW + 10 * DAY)
    for number, name in enumerate(("first", "third")):
        at = NOW + number * 10 * DAY
        told = event(Kind.SOFT_BOUNCE, name, at, mails=(name,))
        await world.feedback.take("mailbox", [told], at)
    assert (await world.lead(lead.email or "")).soft_bounces == bounces


@pytest.mark.parametrize("name", ["opened", "clicked"])
async def test_whoever_reads_a_mail_gets_mails_again_after_too_many_soft_bounces(
    world: World, name: str
) -> None:
    for number in range(5):
        lead = await sent(world, f"mail{number}", at=NOW + number * HOUR)
        told = event(Kind.SOFT_BOUNCE, f"e{number}", mails=(f"mail{number}",))
        await world.feedback.take("mailbox", [told], NOW + number * HOUR)
    await sent(world, "read", at=NOW + 5 * HOUR)
    assert await _verdict(world, lead) == gate.Refuse("soft_bounces")
    await world.intake.hit("read", name, {"url": "https://x.example"}, None, NOW + DAY)
    await world.clicks.page(NOW + 2 * DAY)
    assert await _verdict(world, lead) == gate.Send()


async def test_whoever_waits_with_a_held_mail_hears_of_a_complaint(world: World) -> None:
    await sent(world, "mail")
    async with world.db.write() as session:
        run = await session.get(EnrolmentRow, (await world.rows(EnrolmentRow))[0].id)
        assert run is not None
        run.listens, run.started_at = [topics.CONSENT], NOW - DAY
    world.alarm.woken.clear()
    await world.feedback.take("ses", [event(Kind.COMPLAINED)], NOW)
    await world.outbox.drain()
    assert world.alarm.kinds() == ["enrolment"]


async def test_an_erased_lead_leaves_nothing_of_itself_in_old_and_new_feedback(
    world: World,
) -> None:
    await sent(world, "mail")
    await world.feedback.take("ses", [event(Kind.DELIVERED, raw="anna@example.org")], NOW)
    unmatched = event(Kind.OPENED, mails=("x",), raw="to anna@example.org")
    await world.feedback.take("ses", [unmatched], NOW)
    assert "feedback" in await world.privacy.export("anna@example.org")
    await world.privacy.erase("anna@example.org", "test", NOW)
    await world.feedback.take("ses", [event(Kind.COMPLAINED, raw="anna@example.org")], NOW)
    assert {row.raw for row in await world.rows(FeedbackRow)} == {""}


async def test_feedback_is_forgotten_when_the_playbook_says(db: Database) -> None:
    world = World(db, OneBook(replace(PLAYBOOK, retention=Retention(feedback=10 * DAY))))
    await sent(world, "mail")
    await world.feedback.take("ses", [event(Kind.DELIVERED)], NOW)
    await world.retention.page(NOW + 9 * DAY)
    assert len(await world.rows(FeedbackRow)) == 1
    while await world.retention.page(NOW + 11 * DAY):
        pass
    assert await world.rows(FeedbackRow) == []
    assert (await mail(world)).state == "delivered"


FEW = Limits(at_least=4)


async def test_a_sender_over_the_limit_stands_still_until_a_person_lets_it_go_on(
    db: Database,
) -> None:
    world = World(db, OneBook(replace(PLAYBOOK, watch=FEW)))
    for number in range(4):
        lead = await sent(world, f"mail{number}", f"a{number}@example.org")
    for number in range(2):
        told = event(Kind.COMPLAINED, f"e{number}", mails=(f"mail{number}",))
        await world.feedback.take("ses", [told], NOW)
    assert await world.watch.look(NOW) == 1
    [state] = await world.watch.state(NOW)
    assert (state["alarm"], state["complained"], state["mails"]) == ("pause", 2, 4)
    assert state["reason"] == "2 complaints of 4 mails are 50.00%; the limit is 0.30%"
    assert [(flow["flow"], flow["alarm"]) for flow in state["flows"]] == [("welcome", "pause")]
    async with world.db.write() as session:
        run = next(row for row in await world.rows(EnrolmentRow) if row.lead_id == lead.id)
        held = await session.get(EnrolmentRow, run.id)
        assert held is not None
        held.held = "sender_paused"
    world.alarm.woken.clear()
    assert await world.watch.resume("courses", "test", NOW + HOUR) == 1
    await world.outbox.relay(NOW + HOUR)
    assert world.alarm.woken == [("enrolment", run.id)]
    assert await world.watch.look(NOW + HOUR) == 0, "old complaints count no longer"
    with pytest.raises(InputError, match="not paused"):
        await world.watch.resume("courses", "test", NOW + HOUR)


async def test_only_senders_of_the_playbook_can_be_paused(world: World) -> None:
    with pytest.raises(InputError, match="there are courses"):
        await world.watch.pause("nobody", "", "test", NOW)


async def test_who_unsubscribes_once_more_at_the_provider_stays_out_whatever_arrives_late(
    world: World,
) -> None:
    lead = await sent(world, "mail")
    await world.intake.withdraw(lead.id, EMAIL_MARKETING, "unsubscribe", NOW + HOUR)
    await world.feedback.take("brevo", [event(Kind.UNSUBSCRIBED, at=NOW + DAY)], NOW + DAY)
    await world.tell("page", consents=(EMAIL_MARKETING,), at=NOW + 2 * HOUR)
    assert EMAIL_MARKETING not in (await world.lead("anna@example.org")).consents
