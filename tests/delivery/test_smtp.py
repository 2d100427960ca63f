import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mailparser import parse_from_bytes

from nurture.delivery.email.smtp import SmtpMailer
from nurture.domain.errors import (
    AddressRefused,
    Deferred,
    DeliveryError,
    MailboxFull,
    Permanent,
    Transient,
    Unknown,
)
from tests.support.mail import (
    DROP,
    HOST,
    SILENCE,
    Post,
    authenticate,
    certificate,
    mail,
    render,
    templates,
)


@asynccontextmanager
async def mailer(post: Post, **options: Any) -> AsyncIterator[SmtpMailer]:
    found = SmtpMailer(HOST, post.port, **options)
    yield found
    await found.close()


async def failure(post: Post, **options: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        async with mailer(post, **options) as smtp:
            await smtp.send(mail())
    return raised.value


async def test_a_mail_arrives_and_its_message_id_is_told() -> None:
    async with Post() as post, mailer(post) as smtp:
        told = await smtp.send(mail())
    assert told == "<6f0d7d3e-7c3b-5d55-9a43-7c1a6b0d8a11@x-education.example>"
    [envelope] = post.received
    assert envelope.rcpt_tos == ["anna@firma.example"]
    assert envelope.mail_from == "courses@x-education.example"
    assert f"Message-ID: {told}".encode() in envelope.content


async def test_a_line_that_begins_with_a_dot_arrives_as_written() -> None:
    text = ".hidden\n..twice\n.\nafter the lone dot\n"
    async with Post() as post, mailer(post) as smtp:
        await smtp.send(mail(text=text, html="<p>x</p>"))
    assert b"\r\n\r\n.hidden\r\n..twice\r\n.\r\nafter the lone dot\r\n" in post.received[0].content


async def test_a_mail_goes_over_an_upgraded_connection_after_a_login(tmp_path: Path) -> None:
    server, client = certificate(tmp_path)
    options = {"authenticator": authenticate, "auth_required": True, "tls_context": server}
    async with Post(options=options) as post:
        login = {"user": "nurture", "password": "correct horse", "tls_context": client}
        async with mailer(post, tls="starttls", **login) as smtp:
            await smtp.send(mail())
    assert post.received[0].rcpt_tos == ["anna@firma.example"]


async def test_a_mail_goes_over_a_connection_encrypted_from_the_start(tmp_path: Path) -> None:
    server, client = certificate(tmp_path)
    async with Post(tls=server) as post, mailer(post, tls="tls", tls_context=client) as smtp:
        await smtp.send(mail())
    assert post.received[0].rcpt_tos == ["anna@firma.example"]


async def test_a_wrong_password_is_tried_again_later_since_an_operator_can_repair_it(
    tmp_path: Path,
) -> None:
    server, client = certificate(tmp_path)
    options = {"authenticator": authenticate, "auth_required": True, "tls_context": server}
    async with Post(options=options) as post:
        login = {"user": "nurture", "password": "wrong", "tls_context": client}
        error = await failure(post, tls="starttls", **login)
    assert isinstance(error, Transient)
    assert error.reason == "login_refused"
    assert error.retry_after is not None
    assert post.received == []


async def test_a_server_without_tls_gets_no_mail_when_tls_is_demanded() -> None:
    async with Post() as post:
        error = await failure(post, tls="starttls")
    assert isinstance(error, Transient)
    assert post.received == []


async def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server, _ = certificate(tmp_path)
    async with Post(options={"tls_context": server}) as post:
        error = await failure(post, tls="starttls")
    assert isinstance(error, Transient)
    assert post.received == []


async def test_nobody_listening_is_worth_another_try() -> None:
    async with Post() as post:
        pass
    assert isinstance(await failure(post), Transient)


async def test_a_host_that_is_no_name_is_tried_again_later_since_an_operator_can_repair_it() -> (
    None
):
    with pytest.raises(Transient, match="no_connection: UnicodeError") as raised:
        await SmtpMailer("smtp..example", 25).send(mail())
    assert raised.value.retry_after is not None


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("fault", [DROP, SILENCE])
async def test_a_break_before_the_message_went_out_is_worth_another_try(
    command: str, fault: str
) -> None:
    async with Post({command: fault}) as post:
        error = await failure(post, timeout=0.2 if fault == SILENCE else 5)
    assert isinstance(error, Transient)


@pytest.mark.parametrize("fault", [DROP, SILENCE])
async def test_after_a_break_behind_the_message_nobody_knows_whether_it_arrived(
    fault: str,
) -> None:
    async with Post({"BODY": fault}) as post:
        error = await failure(post, timeout=0.2 if fault == SILENCE else 5)
    assert isinstance(error, Unknown)


@pytest.mark.parametrize("command", ["EHLO", "STARTTLS", "AUTH"])
@pytest.mark.parametrize("fault", [DROP, SILENCE, "454 4.7.0 not now", "554 5.7.0 never"])
async def test_a_server_that_lets_nobody_in_is_worth_another_try(
    command: str, fault: str, tmp_path: Path
) -> None:
    server, client = certificate(tmp_path)
    options = {"authenticator": authenticate, "auth_required": True, "tls_context": server}
    async with Post({command: fault}, options) as post:
        login = {"user": "nurture", "password": "correct horse", "tls_context": client}
        wait = 0.3 if fault == SILENCE else 5
        assert isinstance(await failure(post, tls="starttls", timeout=wait, **login), Transient)


@pytest.mark.parametrize("command", ["RSET", "QUIT"])
@pytest.mark.parametrize("fault", [DROP, SILENCE, "421 4.3.2 closing"])
async def test_a_break_between_mails_costs_none(command: str, fault: str) -> None:
    wait = 0.5 if fault == SILENCE else 5
    async with Post() as post, mailer(post, timeout=wait, per_connection=1) as smtp:
        post.faults = {command: fault, "RCPT": "550 5.1.1 nobody"}
        with pytest.raises(AddressRefused):
            await smtp.send(mail())
        del post.faults["RCPT"]
        await smtp.send(mail())
    assert len(post.received) == 1


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "BODY"])
async def test_a_refusal_for_now_is_worth_another_try_at_every_command(command: str) -> None:
    async with Post({command: "451 4.7.1 greylisted, come back"}) as post:
        assert isinstance(await failure(post), Transient)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "BODY"])
async def test_a_policy_refusal_is_final_but_no_fault_of_the_address(command: str) -> None:
    async with Post({command: "550 5.7.1 we do not like you"}) as post:
        error = await failure(post)
    assert type(error) is Permanent
    assert error.reason == "policy"


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        ("550 5.1.1 no such user", AddressRefused, "address_refused"),
        ("550 5.2.1 mailbox disabled", AddressRefused, "address_refused"),
        ("553 5.1.10 null MX", AddressRefused, "address_refused"),
        ("550 nobody of that name", AddressRefused, "address_refused"),
        ("551 user not local", AddressRefused, "address_refused"),
        ("550 5.0.0 <anna@spam.example>... user unknown", AddressRefused, "address_refused"),
        ("550 relay4.example.com: user unknown", AddressRefused, "address_refused"),
        ("550 User unknown in relay recipient table", AddressRefused, "address_refused"),
        ("550 No such person here (spamfilter01)", AddressRefused, "address_refused"),
        (
            "550 Blocked: mailbox <anna@firma.example>: does not exist",
            AddressRefused,
            "address_refused",
        ),
        ("550 User has been blocked due to inactivity", AddressRefused, "address_refused"),
        ("550 Unknown recipient, see https://help.example/spam", AddressRefused, "address_refused"),
        ("550 relay not permitted", Permanent, "policy"),
        ("550 mailbox unavailable (e.g., mailbox not found, or a policy)", Permanent, "policy"),
        ("550 Relaying denied: unknown user", Permanent, "policy"),
        ("550 Sender verify failed: no such user", Permanent, "policy"),
        ("550 user unknown: authentication required", Permanent, "policy"),
        ("553 that domain isn't allowed to be relayed", Permanent, "policy"),
        ("550 Your address is listed, see https://www.spamlist.example", Permanent, "policy"),
        ("550 Administrative prohibition", Permanent, "policy"),
        ("550 Sender verify failed", Permanent, "policy"),
        ("550 Blocked - see https://lists.example/5.9.12.13", Permanent, "policy"),
        ("550 High probability of spam", Permanent, "policy"),
        ("553 that domain is not in my list of allowed rcpthosts (#5.7.1)", Permanent, "policy"),
        ("550 5.1.8 bad sender", Permanent, "refused"),
        ("552 5.2.2 mailbox full", MailboxFull, "mailbox_full"),
        ("552 mailbox is full", MailboxFull, "mailbox_full"),
        ("550 Mailbox quota exceeded", MailboxFull, "mailbox_full"),
        ("554 no thanks", Permanent, "refused"),
        ("450 4.1.2 recipient address rejected: domain not found", Deferred, "refused_for_now"),
        ("452 4.2.2 mailbox full", Deferred, "refused_for_now"),
        ("451 4.7.1 greylisted, come back", Deferred, "refused_for_now"),
        ("450 mailbox busy", Deferred, "refused_for_now"),
        ("450 4.7.25 client host rejected: no name", Transient, "refused_for_now"),
        ("450 4.1.8 sender address rejected: no domain", Transient, "refused_for_now"),
        ("451 4.3.0 lookup failed", Transient, "refused_for_now"),
        ("452 no space left", Transient, "refused_for_now"),
        ("421 closing", Transient, "refused_for_now"),
    ],
)
async def test_the_reply_decides_whose_fault_a_refused_recipient_is(
    reply: str, kind: type[DeliveryError], reason: str
) -> None:
    async with Post({"RCPT": reply}) as post:
        error = await failure(post)
    assert type(error) is kind
    assert error.reason == reason


async def test_what_is_said_before_the_recipient_is_named_is_no_fault_of_the_address() -> None:
    for reply in ("550 5.1.0 rejected", "552 5.2.2 no room"):
        async with Post({"MAIL": reply}) as post:
            assert type(await failure(post)) is Permanent


async def test_an_address_in_a_reply_does_not_get_into_the_error() -> None:
    async with Post({"RCPT": "550 5.1.1 <anna@firma.example>: user unknown"}) as post:
        error = await failure(post)
    assert "anna" not in str(error)
    assert "user unknown" in error.detail


@pytest.mark.parametrize(
    "to", ["", "no address", "a@b@c", "søren@firma.example", "a@x\r\nRCPT TO:<b@c>"]
)
async def test_an_address_that_no_mail_can_have_is_refused_before_a_connection_is_made(
    to: str,
) -> None:
    async with Post() as post, mailer(post) as smtp:
        with pytest.raises(AddressRefused):
            await smtp.send(mail(to=to))
    assert post.connections == 0


async def test_a_domain_with_danish_letters_is_reached_by_its_ascii_name() -> None:
    async with Post() as post, mailer(post) as smtp:
        await smtp.send(mail(to="anna@blåbær.example"))
    assert post.received[0].rcpt_tos == ["anna@xn--blbr-roah.example"]


async def test_connections_are_kept_and_used_again_also_after_a_refusal() -> None:
    async with Post() as post, mailer(post) as smtp:
        await smtp.send(mail())
        post.faults["RCPT"] = "550 5.1.1 no such user"
        with pytest.raises(AddressRefused):
            await smtp.send(mail())
        post.faults.clear()
        await smtp.send(mail())
    assert post.connections == 1
    assert len(post.received) == 2


async def test_a_broken_connection_is_not_used_again() -> None:
    async with Post({"MAIL": DROP}) as post, mailer(post) as smtp:
        with pytest.raises(Transient):
            await smtp.send(mail())
        post.faults.clear()
        await smtp.send(mail())
    assert post.connections == 2


async def test_a_connection_that_died_while_resting_is_noticed_before_the_next_mail() -> None:
    async with Post() as post, mailer(post, idle=0.0) as smtp:
        await smtp.send(mail())
        post.hang_up()
        await smtp.send(mail())
    assert post.connections == 2
    assert len(post.received) == 2


async def test_a_connection_is_renewed_after_its_share_of_mails() -> None:
    async with Post() as post, mailer(post, per_connection=2) as smtp:
        for _ in range(5):
            await smtp.send(mail())
    assert post.connections == 3


async def test_no_more_mails_are_under_way_than_there_are_connections() -> None:
    async with Post() as post, mailer(post, connections=3) as smtp:
        await asyncio.gather(*(smtp.send(mail(id=str(n))) for n in range(20)))
    assert post.connections <= 3
    assert len(post.received) == 20


async def test_a_mail_given_up_in_the_middle_leaves_no_half_connection_behind() -> None:
    async with Post({"BODY": SILENCE}) as post, mailer(post) as smtp:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(smtp.send(mail()), 0.2)
        post.faults.clear()
        await smtp.send(mail(id="second"))
    assert post.connections == 2


async def test_what_cannot_be_delivered_comes_back_under_the_mails_own_address() -> None:
    async with Post() as post, mailer(post) as smtp:
        await smtp.send(mail(return_path="bounces+{mail}@x-education.example"))
        await smtp.send(mail(return_path="bounces@x-education.example"))
    own, fixed = (envelope.mail_from for envelope in post.received)
    assert own == "bounces+6f0d7d3e-7c3b-5d55-9a43-7c1a6b0d8a11@x-education.example"
    assert fixed == "bounces@x-education.example"
    assert b"From: =?utf-8?" in post.received[0].content


async def test_a_server_that_can_is_asked_to_name_the_mail_in_its_notices() -> None:
    async with Post(notices=True) as post, mailer(post) as smtp:
        await smtp.send(mail())
    assert post.asked == ["RET=HDRS", f"ENVID={mail().id}", "NOTIFY=FAILURE"]
    assert len(post.received) == 1


async def test_an_old_server_that_knows_no_ehlo_gets_its_mail_too() -> None:
    async with Post({"EHLO": "502 5.5.1 what is that"}) as post, mailer(post) as smtp:
        await smtp.send(mail())
    assert len(post.received) == 1


async def test_a_mail_too_large_for_a_server_is_refused_before_it_goes_out() -> None:
    async with Post({"BODY": DROP}, {"data_size_limit": 100}) as post:
        error = await failure(post)
    assert type(error) is Permanent
    assert "size" in error.detail


async def test_one_domain_gets_only_so_many_mails_at_once() -> None:
    async with Post(pause=lambda: 0.01) as post, mailer(post, connections=6, per_domain=2) as smtp:
        await asyncio.gather(*(smtp.send(mail(id=str(n))) for n in range(8)))
        assert post.busy == 2
        await asyncio.gather(*(smtp.send(mail(to=f"a@{n}.example")) for n in range(8)))
    assert post.busy > 2
    assert len(post.received) == 16


async def test_a_rendered_mail_arrives_with_its_ways_to_leave_and_tells_machines_what_it_is() -> (
    None
):
    rendered = render(templates('<p>{{ lead.city }}</p><a href="{{ unsubscribe_url }}">Leave</a>'))
    async with Post() as post, mailer(post) as smtp:
        await smtp.send(rendered)
    read = parse_from_bytes(post.received[0].content).message
    assert read["List-Unsubscribe"] == rendered.headers["List-Unsubscribe"]
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["Feedback-ID"] == "welcome:hello:nurture:courses"
    assert read["Message-ID"] == "<message-1@x-education.example>"
