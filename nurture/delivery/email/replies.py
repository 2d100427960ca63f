"""What an SMTP server's refusal means (RFC 5321 reply codes, RFC 3463 enhanced codes)."""

import re

from nurture.domain.errors import (
    AddressRefused,
    Deferred,
    DeliveryError,
    MailboxFull,
    Permanent,
    Transient,
)
from nurture.logs import masked

_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
"""Also at the end of a sentence, but no part of an IP address."""
_BAD_MAILBOX = {"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
_BAD_MAILBOX_CODES = {550, 551, 553}
_LATER_CODES = {450, 451, 452}
_BAD_SENDER = {"4.1.7", "4.1.8"}
_OF_RECIPIENT = re.compile(r"gr[ae]y-?list|recipient", re.IGNORECASE)
_POLICY = re.compile(
    r"authenticat|\brelay(ing|ed)?( \S+){0,2} (denied|not|prohibited)"
    r"|(verify|rejected|invalid|bad|unknown) sender|sender (address )?(verif|rejected|denied|unknown|domain)"
    r"|client host|(sending|daily|hourly) (quota|limit)",
    re.IGNORECASE,
)
"""It is us whom the server does not want."""
_PERHAPS_POLICY = re.compile(
    r"\brelay|\bpolic(y|ies)|prohibited|prohibition|\bspam|\bblock(ed|ing|list)|\bblack-?list"
    r"|denied|(not|never) (allowed|permitted|authori[sz]ed)|\b(rbl|dnsbl|spf|dkim|dmarc)\b",
    re.IGNORECASE,
)
"""So it is as long as nothing says that there is no such mailbox: the words also stand in names of hosts, as in
`relay4.example.com: user unknown`. Who lists us may be named by its host alone, so these are not left out."""
_MAILBOX = r"(user|recipient|person|mail ?box)"
_NO_MAILBOX = re.compile(
    rf"\b(unknown|no such|invalid|inactive) (local )?{_MAILBOX}\b"
    rf"|(?<!e\.g\., )\b{_MAILBOX}:?( [\w'<>]+:?){{0,5}} (unknown|not found|inactiv|does(n't| not) exist)",
    re.IGNORECASE,
)
"""Not where a server recites RFC 5321: "e.g., mailbox not found, no access, or command rejected for policy reasons"."""

_FULL = re.compile(
    r"quota|\bexceed\w* storage|(mail ?box|inbox|storage|disk)( \S+){0,3} full", re.IGNORECASE
)
_LONGEST_DETAIL = 200


def of_recipient(code: int, text: str) -> DeliveryError:
    """RCPT was refused. Without an enhanced code the plain one and the words are all there is to judge by: a server
    that lets us in no more must cost no lead its address."""
    if code in _LATER_CODES and _asks_for_patience(code, _enhanced(text), text):
        return Deferred("refused_for_now", detail(code, text))
    error = of_message(code, text)
    unexplained = error.reason == "refused" and not _enhanced(text)
    if unexplained and code in _BAD_MAILBOX_CODES:
        return AddressRefused("address_refused", detail(code, text))
    return error


def of_sender(code: int, text: str) -> DeliveryError:
    """MAIL was refused, before the server had heard for whom the mail is."""
    error = of_message(code, text)
    if isinstance(error, AddressRefused | MailboxFull):
        return Permanent("refused", error.detail)
    return error


def of_message(code: int, text: str) -> DeliveryError:
    """The message, or anything else, was refused."""
    enhanced, told = _enhanced(text), detail(code, text)
    words = "" if enhanced else without_addresses(text)
    if not 500 <= code < 600:
        return Transient("refused_for_now", told)
    if enhanced in _BAD_MAILBOX:
        return AddressRefused("address_refused", told)
    if enhanced.startswith("5.7.") or _is_policy(words):
        return Permanent("policy", told)
    if enhanced == "5.2.2" or _FULL.search(words):
        return MailboxFull("mailbox_full", told)
    return Permanent("refused", told)


def _is_policy(words: str) -> bool:
    return bool(
        _POLICY.search(words) or (_PERHAPS_POLICY.search(words) and not _NO_MAILBOX.search(words))
    )


def _asks_for_patience(code: int, enhanced: str, text: str) -> bool:
    """Whether it is the recipient that is not taken for now, and not all that we send. Of a policy (4.7.x) only the
    words tell; a server that is in trouble or out of space (4.3.x, a plain 452) takes nobody's mail."""
    if enhanced.startswith("4.7."):
        return bool(_OF_RECIPIENT.search(text))
    if enhanced:
        return enhanced.startswith(("4.1.", "4.2.")) and enhanced not in _BAD_SENDER
    return code != 452


def detail(code: int, text: str) -> str:
    """The reply without the addresses in it: it ends up in logs and in Temporal's history."""
    return without_addresses(f"{code} {text}")[:_LONGEST_DETAIL]


def without_addresses(text: str) -> str:
    """On one line."""
    return masked(" ".join(text.split()))


def _enhanced(text: str) -> str:
    """The first that says anything; a server that knows no better calls it 5.0.0."""
    told = (code for code in _ENHANCED.findall(text) if not code.endswith(".0.0"))
    return next(told, "")
