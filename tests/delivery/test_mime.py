from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from nurture.delivery.email.mime import as_bytes
from nurture.domain.errors import Permanent
from nurture.domain.lead import Lead
from nurture.ports import Mail
from tests.support.mail import FOOTER, mail, render, templates

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)


def parsed(message: Mail) -> EmailMessage:
    return message_from_bytes(as_bytes(message, NOW), policy=policy.default)


def header_lines(message: Mail) -> list[bytes]:
    return as_bytes(message, NOW).partition(b"\r\n\r\n")[0].split(b"\r\n")


def test_the_headers_are_those_of_a_proper_mail() -> None:
    message = parsed(mail())
    assert str(message["From"]) == "Søren Ærø <courses@x-education.example>"
    assert str(message["To"]) == "anna@firma.example"
    assert str(message["Reply-To"]) == "hello@x-education.example"
    assert str(message["Subject"]) == "Goddag på den anden side"
    assert message["Date"].datetime == NOW
    assert message["MIME-Version"] == "1.0"
    assert message["Auto-Submitted"] is None
    assert message["Precedence"] is None


def test_the_text_stands_before_the_html() -> None:
    kinds = [part.get_content_type() for part in parsed(mail()).iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    assert parsed(mail()).get_body(("plain",)).get_content().strip() == "Smørrebrød"


def test_the_same_mail_has_the_same_message_id_at_every_attempt() -> None:
    later = NOW.replace(hour=11)
    first, second = (message_from_bytes(as_bytes(mail(), at)) for at in (NOW, later))
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"] == "<6f0d7d3e-7c3b-5d55-9a43-7c1a6b0d8a11@x-education.example>"


def test_the_bytes_are_ascii_in_short_lines_whatever_is_in_the_mail() -> None:
    raw = as_bytes(mail(text="æøå 🚀 " * 500, html=f"<p>{'ß' * 5000}</p>", subject="🚀 " * 60), NOW)
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_the_one_click_headers_stand_on_one_line_each_unencoded() -> None:
    lines = header_lines(render(templates(FOOTER)))
    [leave] = [line for line in lines if line.startswith(b"List-Unsubscribe:")]
    assert leave.startswith(b"List-Unsubscribe: <https://t.x-education.example/u/")
    assert b">, <mailto:leave@x-education.example?subject=unsubscribe%20" in leave
    assert leave.endswith(b">")
    assert b"=?" not in leave
    assert len(leave) > 150
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines
    assert b"List-ID: <welcome.x-education.example>" in lines
    assert b"Feedback-ID: welcome:hello:nurture:courses" in lines


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hello\r\nBcc: everybody@firma.example"},
        {"subject": "Hello\nBcc: everybody@firma.example"},
        {"sender_name": "Anna\r\nBcc: everybody@firma.example"},
        {"sender": "anna@x.example\r\nBcc: everybody@firma.example"},
        {"reply_to": "anna@x.example\r\nBcc: everybody@firma.example"},
        {"id": "1\r\nBcc: everybody@firma.example"},
        {"headers": {"List-ID": "x\r\nBcc: everybody@firma.example"}},
        {"headers": {"X-A: 1\r\nBcc": "everybody@firma.example"}},
        {"headers": {"Bcc": "everybody@firma.example"}},
        {"headers": {"From": "boss@firma.example"}},
        {"headers": {"Content-Type": "text/html"}},
        {"headers": {"X-Long": "x" * 1000}},
    ],
)
def test_no_header_can_be_smuggled_in(changes: dict[str, object]) -> None:
    with pytest.raises(Permanent):
        as_bytes(mail(**changes), NOW)


def test_a_line_break_in_the_lead_s_own_words_ends_up_as_a_blank_in_the_subject() -> None:
    lead = Lead("lead-1", "anna@firma.example", {"city": "Anna\r\nBcc: everybody@firma.example"})
    message = parsed(render(templates(FOOTER, subject="Hi {{ lead.city }}"), lead))
    assert message["Subject"] == "Hi Anna Bcc: everybody@firma.example"
    assert message["Bcc"] is None
