"""Bounces that come as mail: over IMAP, over SMTP, once each, and to the mail they are about."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit

import aiosmtplib
import pytest

from nurture.delivery.feedback.imap import Imap
from nurture.delivery.feedback.listener import Listener
from nurture.delivery.links import Links
from nurture.domain.errors import StartError, Transient
from nurture.mail.mailbox import Mailbox, address_read
from nurture.settings import Settings
from nurture.store.database import Database
from nurture.store.feedback_tables import FeedbackRow
from nurture.store.tables import TouchRow
from tests.support import bounces
from tests.support.domain import NOW
from tests.support.imap import ImapServer
from tests.support.mail import TOKENS
from tests.support.mails import mail, sent
from tests.support.waiting import until
from tests.support.world import World


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def mailbox(world: World) -> Mailbox:
    return Mailbox(world.feedback, world.intake, TOKENS, lambda: NOW, listen=("127.0.0.1", 0))


@pytest.fixture
async def imap() -> AsyncIterator[ImapServer]:
    server = ImapServer([bounces.VACATION, bounces.POSTFIX, bounces.POSTFIX])
    await server.start()
    yield server
    await server.stop()


def source(server: ImapServer) -> Imap:
    return Imap("127.0.0.1", server.port, "bounces", "secret", tls="none")


async def test_unread_mails_are_read_once_and_stay_in_the_mailbox(
    world: World, mailbox: Mailbox, imap: ImapServer
) -> None:
    await sent(world, bounces.KEY)
    assert await source(imap).look(mailbox.take) == 3
    assert await source(imap).look(mailbox.take) == 0
    assert imap.seen == {1, 2, 3}
    assert (await mail(world, bounces.KEY)).state == "bounced"
    assert (await world.lead("anna@example.org")).suppressed == "hard_bounce"
    assert len(await world.rows(FeedbackRow)) == 1, "the same report twice is one"


@pytest.mark.parametrize(
    ("password", "folder", "heard"),
    [
        ("secret", "INBOX", ['LOGIN bounces "secret"', 'SELECT "INBOX"']),
        ("pæssord", "INBOX", ["\0bounces\0pæssord", 'SELECT "INBOX"']),
        ("secret", "Rückläufer", ['LOGIN bounces "secret"', 'SELECT "R&APw-ckl&AOQ-ufer"']),
        ("secret", "台北 & 日本", ['LOGIN bounces "secret"', 'SELECT "&U,BTFw- &- &ZeVnLA-"']),
        ("secret", "R&APw-ck", ['LOGIN bounces "secret"', 'SELECT "R&APw-ck"']),
        ("secret", 'a"\\b', ['LOGIN bounces "secret"', 'SELECT "a\\"\\\\b"']),
    ],
)
async def test_a_mailbox_may_be_opened_and_called_by_any_letters(
    imap: ImapServer, password: str, folder: str, heard: list[str]
) -> None:
    async def take(_: bytes) -> None:
        """Nothing comes of it."""

    assert await Imap("127.0.0.1", imap.port, "bounces", password, "none", folder).look(take) == 3
    assert imap.heard[:2] == heard


async def test_what_could_not_be_stored_stays_unread(imap: ImapServer) -> None:
    async def fails_at_the_second(raw: bytes) -> None:
        if raw == bounces.POSTFIX:
            raise Transient("no_database")

    with pytest.raises(Transient):
        await source(imap).look(fails_at_the_second)
    assert imap.seen == {1}


async def test_a_mailbox_that_does_not_let_us_in_is_asked_again(
    world: World, imap: ImapServer
) -> None:
    await sent(world, bounces.KEY)
    imap.refuse, stop = True, asyncio.Event()
    often = timedelta(milliseconds=20)
    mailbox = Mailbox(
        world.feedback, world.intake, TOKENS, lambda: NOW, [source(imap)], pause=often
    )
    task = asyncio.create_task(mailbox.run(stop))
    await until(lambda: imap.logins >= 2)
    imap.refuse = False
    await until(lambda: imap.seen == {1, 2, 3})
    stop.set()
    await task
    assert (await mail(world, bounces.KEY)).state == "bounced"


async def test_a_report_delivered_by_smtp_is_stored_before_it_is_answered(
    world: World, mailbox: Mailbox
) -> None:
    await sent(world, bounces.KEY)
    await mailbox.start()
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=mailbox.port) as smtp:
        await smtp.sendmail("", ["bounce@b.courses.example"], bounces.ARF_HOTMAIL)
        assert (await mail(world, bounces.KEY)).state == "complained"
    await _stop(mailbox)


async def _to_leave_by_mail(world: World) -> bytes:
    """The mail that a mail program writes from the header of one of ours (RFC 6068)."""
    lead = await sent(world, bounces.KEY)
    links = Links("https://n.example", TOKENS, "leave+us@courses.example")
    header = links.ways_to_leave(links.unsubscribe_url(lead.id, bounces.KEY))
    by_mail = urlsplit(header.rpartition("<")[2].rstrip(">"))
    written = EmailMessage()
    written["From"], written["To"] = "anna@elsewhere.example", by_mail.path
    written["Subject"] = parse_qs(by_mail.query)["subject"][0]
    written.set_content("")
    return written.as_bytes(policy=policy.SMTP)


async def test_a_mail_has_so_many_recipients_and_no_more() -> None:
    """Each makes its head longer, and what is read has an end."""
    heard: list[bytes] = []

    async def take(raw: bytes) -> None:
        heard.append(raw)

    listener = Listener("127.0.0.1", 0, take, "NURTURE_BOUNCE_PORT")
    await listener.start()
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=listener.port) as smtp:
        everybody = [f"b{n}@x.example" for n in range(300)]
        refused, _ = await smtp.sendmail("a@x.example", everybody, "Subject: hi\r\n\r\nhi")
    await listener.stop()
    assert {code.code for code in refused.values()} == {452}
    assert len(refused) == 200
    assert heard[0].count(b"Delivered-To: ") == 100


async def test_a_mail_program_unsubscribes_by_mail_as_its_button_would(
    world: World, mailbox: Mailbox
) -> None:
    raw = await _to_leave_by_mail(world)
    await mailbox.start()
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=mailbox.port) as smtp:
        for _ in range(2):
            await smtp.sendmail("anna@elsewhere.example", ["leave+us@courses.example"], raw)
    anna = await world.lead("anna@example.org")
    assert anna.declined == ["email_marketing"]
    touches = [row.name for row in await world.rows(TouchRow)]
    assert touches.count("unsubscribed") == 1, "said twice is said once"
    assert await world.rows(FeedbackRow) == []
    await _stop(mailbox)


async def test_unsubscribing_mails_are_read_over_imap_too(world: World, mailbox: Mailbox) -> None:
    server = ImapServer([await _to_leave_by_mail(world)])
    await server.start()
    assert await source(server).look(mailbox.take) == 1
    await server.stop()
    assert (await world.lead("anna@example.org")).declined == ["email_marketing"]


async def test_a_mail_of_ours_that_comes_back_unsubscribes_nobody(
    world: World, mailbox: Mailbox
) -> None:
    leave = (await _to_leave_by_mail(world)).partition(b"Subject: ")[2].partition(b"\r\n\r\n")[0]
    await mailbox.take(
        b"Subject: Re: your guide\r\n\r\n> List-Unsubscribe: <mailto:x?subject=" + leave
    )
    await mailbox.take(b"Subject: Re: " + leave + b"\r\n\r\nwhat is this?")
    await mailbox.take(b"Subject: unsubscribe " + b"x" * 80 + b"\r\nFrom: anna@example.org\r\n\r\n")
    assert (await world.lead("anna@example.org")).declined == []


async def _stop(mailbox: Mailbox) -> None:
    stop = asyncio.Event()
    stop.set()
    await mailbox.run(stop)


async def test_while_the_database_is_away_the_sending_server_keeps_the_report() -> None:
    async def away(raw: bytes) -> None:
        raise Transient("no_database")

    listener = Listener("127.0.0.1", 0, away, "NURTURE_BOUNCE_PORT")
    await listener.start()
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=listener.port) as smtp:
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await smtp.sendmail("", ["b@b.courses.example"], bounces.POSTFIX)
    assert refused.value.code == 451
    taken = Listener("127.0.0.1", listener.port, away, "NURTURE_BOUNCE_PORT")
    with pytest.raises(StartError, match=r"NURTURE_BOUNCE_PORT: port \d+ cannot be used: "):
        await taken.start()
    await listener.stop()


def test_no_mail_promises_an_address_that_nobody_reads() -> None:
    promised = {"unsubscribe_address": "leave@courses.example"}
    problem = (
        "NURTURE_UNSUBSCRIBE_ADDRESS: nobody reads what comes to .*; "
        "NURTURE_BOUNCE_IMAP_HOST or NURTURE_BOUNCE_PORT says where it arrives"
    )
    with pytest.raises(StartError, match=problem):
        address_read(Settings(**promised))
    assert address_read(Settings(**promised, bounce_port=2525)) == "leave@courses.example"
    assert address_read(Settings(**promised, bounce_imap_host="i")) == "leave@courses.example"
    assert address_read(Settings(bounce_port=2525)) == ""
