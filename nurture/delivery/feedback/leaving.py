"""Mails by which a mail program unsubscribes its reader: the `mailto:` of List-Unsubscribe (RFC 2369).

Anybody can write to that address in anybody's name, so only the token counts that our own mail put into the subject;
and only in the subject of the mail itself, since whatever returns one of our mails quotes its token.
"""

import re
from email import message_from_bytes, policy
from urllib.parse import quote

_SUBJECT = "unsubscribe"
_TOKEN = re.compile(rf"{_SUBJECT}[:=]?(?P<token>[\w.-]+)", re.I | re.A)

_FIELD = re.compile(rb"^subject:[^\n]*(?:\n[ \t][^\n]*)*", re.I | re.M)
"""Nothing else is read: some of the other fields take the square of their length."""
_READ = 64 * 1024
"""Bytes that are looked at: far more than any head has before its subject."""


def mailto(address: str, token: str) -> str:
    """What a mail program is to write, and to whom (RFC 6068)."""
    return f"mailto:{quote(address, safe='@+.')}?subject={_SUBJECT}%20{token}"


def token(raw: bytes) -> str:
    """What a mail unsubscribes with; empty when it is no such mail. A long line may come folded or encoded."""
    head = raw[:_READ].partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]
    field = _FIELD.search(head)
    subject = str(
        message_from_bytes(field[0] if field else b"", policy=policy.default).get("Subject", "")
    )
    found = _TOKEN.fullmatch("".join(subject.split()))
    return found["token"] if found else ""
