"""What a receiving mail system would write about a mail: real delivery reports and reports of spam, to try out
what becomes of them."""

from datetime import datetime
from email.utils import format_datetime

from embedded.mailbox import Summary

KINDS = {
    "unknown": "No such mailbox",
    "full": "Mailbox full",
    "spam": "Reported as spam",
}
_DOMAIN = "mx.receiver.example"
_BOUNDARY = "=_report_of_a_mail"
_REPORTS = {
    "unknown": ("5.1.1", "550 5.1.1 the account does not exist"),
    "full": ("5.2.2", "552 5.2.2 the mailbox is full"),
}


def report(kind: str, mail: Summary, raw: bytes, to: str, now: datetime) -> bytes:
    """A report of that kind about a mail that was kept, as it would come back to `to`."""
    headers = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace")
    if kind == "spam":
        return _spam(mail, headers, to, now)
    return _undeliverable(*_REPORTS[kind], mail, headers, to, now)


def _undeliverable(
    status: str, diagnosis: str, mail: Summary, headers: str, to: str, now: datetime
) -> bytes:
    """RFC 3464."""
    fields = (
        f"Reporting-MTA: dns; {_DOMAIN}\nArrival-Date: {format_datetime(now)}\n\n"
        f"Final-Recipient: rfc822; {mail.to}\nAction: failed\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {diagnosis}\n"
    )
    text = f"Your mail could not be delivered to {mail.to}: {diagnosis}."
    subject = f"Undelivered: {mail.subject}"
    return _multipart("delivery-status", subject, text, fields, headers, to, now)


def _spam(mail: Summary, headers: str, to: str, now: datetime) -> bytes:
    """RFC 5965."""
    fields = (
        "Feedback-Type: abuse\nUser-Agent: nurture-inbox/1\nVersion: 1\n"
        f"Original-Rcpt-To: {mail.to}\nArrival-Date: {format_datetime(now)}\n"
    )
    text = "A reader has marked this mail as spam."
    return _multipart("feedback-report", f"FW: {mail.subject}", text, fields, headers, to, now)


def _multipart(
    kind: str, subject: str, text: str, fields: str, headers: str, to: str, now: datetime
) -> bytes:
    lines = [
        f"From: MAILER-DAEMON@{_DOMAIN}",
        f"To: {to}",
        f"Subject: {' '.join(subject.split())}",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{now.timestamp()}@{_DOMAIN}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind}; boundary="{_BOUNDARY}"',
        "",
    ]
    for type_, content in (
        ("text/plain", text),
        (f"message/{kind}", fields),
        ("text/rfc822-headers", headers),
    ):
        lines += [f"--{_BOUNDARY}", f"Content-Type: {type_}", "", content]
    lines += [f"--{_BOUNDARY}--", ""]
    return "\n".join(lines).replace("\n", "\r\n").encode("ascii", "replace")
