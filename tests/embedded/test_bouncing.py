"""A mail in the local inbox can bounce or be reported as spam, and the product hears of it as of a real one."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from embedded import bouncing
from embedded.inbox import Inbox
from embedded.mailbox import Mailbox
from nurture.delivery.email.smtp import SmtpMailer
from nurture.delivery.feedback import bounces
from nurture.delivery.feedback.listener import Listener
from nurture.domain.feedback import Event, Kind
from nurture.ports import Mail

KEY = "0b9f3d52-8f0e-5d6c-9a52-2f6f7e1f4a10"
NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
MAIL = Mail(
    KEY,
    "anna@example.org",
    "hello@courses.example",
    "Courses",
    "Din guide på dansk",
    "<p>x</p>",
    "x",
)
KINDS = [("unknown", Kind.HARD_BOUNCE), ("full", Kind.SOFT_BOUNCE), ("spam", Kind.COMPLAINED)]


@pytest.mark.parametrize(("kind", "heard"), KINDS)
async def test_what_is_chosen_on_a_mails_page_comes_back_as_a_real_report(
    tmp_path: Path, kind: str, heard: Kind
) -> None:
    events: list[Event] = []

    async def take(raw: bytes) -> None:
        events.extend(bounces.read(raw, NOW))

    listener = Listener("127.0.0.1", 0, take, "NURTURE_BOUNCE_PORT")
    await listener.start()
    inbox = Inbox(tmp_path, 0, 0, bounce_port=listener.port)
    await inbox.start()
    mailer = SmtpMailer("127.0.0.1", inbox.smtp_port)
    await mailer.send(MAIL)
    await mailer.close()
    async with httpx.AsyncClient(base_url=inbox.url) as http:
        assert "Reported as spam" in (await http.get("/mails/0000001")).text
        answer = await http.post("/mails/0000001/report", data={"kind": kind})
        assert answer.status_code == 303
        assert "Reported back" in (await http.get(answer.headers["location"])).text
        refused = await http.post("/mails/0000001/report", data={"kind": "lost"})
        assert refused.status_code == 400
        await listener.stop()
        away = await http.post("/mails/0000001/report", data={"kind": kind})
        assert (away.status_code, away.text) == (502, "the worker does not take bounces now")
    await inbox.stop()
    [event] = events
    assert event.kind is heard
    assert KEY in event.mails


async def test_while_nobody_listens_no_fate_is_offered(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, 0, 0)
    await inbox.start()
    mailer = SmtpMailer("127.0.0.1", inbox.smtp_port)
    await mailer.send(MAIL)
    await mailer.close()
    async with httpx.AsyncClient(base_url=inbox.url) as http:
        assert "Reported as spam" not in (await http.get("/mails/0000001")).text
        answer = await http.post("/mails/0000001/report", data={"kind": "spam"})
        assert answer.status_code == 400
        assert answer.text.startswith("kind must be one of ")
    await inbox.stop()


def test_reports_of_one_mail_differ_and_so_are_not_taken_for_one(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.open()
    raw = f"Message-ID: <{KEY}@x>\r\nTo: anna@example.org\r\n\r\nx".encode()
    mail = mailbox.add(raw)
    told = [bouncing.report(kind, mail, raw, "b@x", NOW) for kind, _ in KINDS]
    assert len({event.id for each in told for event in bounces.read(each, NOW)}) == 3
