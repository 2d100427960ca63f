"""Mails in the bounce mailbox: what came back and why, from servers that all write differently."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.delivery.email import replies
from nurture.delivery.feedback import leaving
from nurture.delivery.feedback.bounces import read
from nurture.domain.feedback import Kind
from tests.support import bounces
from tests.support.bounces import KEY
from tests.support.domain import HOUR, NOW

REPORTS = {
    "Postfix": (bounces.POSTFIX, Kind.HARD_BOUNCE),
    "Exchange": (bounces.EXCHANGE, Kind.HARD_BOUNCE),
    "Gmail: full": (bounces.GMAIL_FULL, Kind.SOFT_BOUNCE),
    "Sendmail: delayed": (bounces.SENDMAIL_DELAYED, Kind.DEFERRED),
    "expired": (bounces.EXPIRED, Kind.SOFT_BOUNCE),
    "policy": (bounces.POLICY, Kind.SOFT_BOUNCE),
    "relay refused": (
        bounces.POLICY.replace(
            b"550 5.7.1 Message rejected due to local policy", b"550 relay not permitted"
        ),
        Kind.SOFT_BOUNCE,
    ),
    "Domino": (bounces.DOMINO, Kind.HARD_BOUNCE),
    "by the address it came to": (bounces.VERP, Kind.HARD_BOUNCE),
    "delivered, by envelope id": (bounces.DELIVERED, Kind.DELIVERED),
    "qmail": (bounces.QMAIL, Kind.HARD_BOUNCE),
    "Exim": (bounces.EXIM, Kind.HARD_BOUNCE),
    "abuse report": (bounces.ARF_HOTMAIL, Kind.COMPLAINED),
    "redacted abuse report": (bounces.ARF_REDACTED, Kind.COMPLAINED),
}


@pytest.mark.parametrize(("raw", "kind"), REPORTS.values(), ids=REPORTS)
def test_a_report_says_what_happened_to_which_mail(raw: bytes, kind: Kind) -> None:
    [event] = read(raw, NOW)
    assert event.kind is kind
    assert KEY in event.mails
    assert event.to == "", "nobody is suppressed for being named by a stranger"
    assert event.at <= NOW
    assert "@" not in event.reason.replace("<address>", "")


@pytest.mark.parametrize("raw", [bounces.VACATION, bounces.ANSWER, bounces.ARF_NOT_SPAM, b""])
def test_what_people_and_their_machines_answer_is_no_bounce(raw: bytes) -> None:
    assert read(raw, NOW) == []


def test_a_report_read_again_is_the_same_event_and_another_is_not() -> None:
    first, again = read(bounces.POSTFIX, NOW)[0], read(bounces.POSTFIX, NOW + HOUR)[0]
    assert first.id == again.id
    changed = bounces.POSTFIX.replace(b"4F1B2", b"4F1B3")
    assert read(changed, NOW)[0].id != first.id


SAMPLES = [value for value in vars(bounces).values() if isinstance(value, bytes)]


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=12)), max_size=5),
    st.integers(0, 3000),
)
def test_no_mail_is_too_odd_to_be_read(
    raw: bytes, changes: list[tuple[int, bytes]], end: int
) -> None:
    for at, piece in changes:
        raw = raw[:at] + piece + raw[at + len(piece) :]
    for event in read(raw[: max(end, 200)], NOW):
        assert event.at <= NOW
        assert (event.raw + event.reason + "".join(event.mails)).encode()
        assert "\x00" not in event.raw + event.reason


@given(st.binary(max_size=400))
def test_noise_is_read_too(raw: bytes) -> None:
    read(raw, NOW)


def test_a_mail_within_a_mail_within_a_mail_does_not_exhaust_the_reader() -> None:
    read(b"Content-Type: message/rfc822\n\n" * 5000, NOW)
    read(b"Content-Type: multipart/report; boundary=b\n\n--b\n" * 3000, NOW)


def parts(levels: int) -> bytes:
    kind = b"Content-Type: multipart/mixed; boundary=b%d\n\n"
    return b"".join(kind % level + b"--b%d\n" % level for level in range(levels))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_mail_of_more_parts_in_parts_than_any_report_is_not_read(end: bytes) -> None:
    report = b"Content-Type: message/delivery-status\n\n\nAction: failed\nStatus: 5.1.1\n"
    assert read((parts(20) + report).replace(b"\n", end), NOW)
    assert not read((parts(21) + report).replace(b"\n", end), NOW)


@pytest.mark.parametrize(
    "raw",
    [
        parts(250) + b"\n" * 1_900_000,
        parts(20) + b"\n" * 1_900_000,
        b'Content-Type: multipart/mixed; boundary="' + b";" * 300_000 + b"\n\n",
        b'Content-Type: multipart/mixed; boundary="' + b";\n " * 300_000 + b"\n\n",
        b"From: mailer-daemon\n\n550 " + b"exceed" * 300_000,
        b"Content-Type: message/delivery-status\n\n" + b"Action: x\n\n" * 150_000,
        b"Subject: " + b"a " * 900_000 + b"\n\n",
    ],
    ids=["parts in parts", "lines", "parameters", "folded", "text", "groups", "subject"],
)
def test_no_mail_keeps_everybody_else_waiting(raw: bytes) -> None:
    """Anybody can send one; they took from a minute to hours."""
    began = time.perf_counter()
    read(raw, NOW)
    leaving.token(raw)
    assert time.perf_counter() - began < 5


def test_nor_does_what_another_server_says_of_ours() -> None:
    began = time.perf_counter()
    assert replies.of_recipient(550, "exceed" * 100_000).reason == "address_refused"
    assert time.perf_counter() - began < 5


def test_a_report_that_returns_a_large_mail_is_read_like_any_other() -> None:
    [event] = read(bounces.POSTFIX + b"x" * 76 * 20_000, NOW)
    assert (event.kind, KEY in event.mails) == (Kind.HARD_BOUNCE, True)
