"""What an SMTP server's refusal means (RFC 5321 reply codes, RFC 3463 enhanced codes)."""

import re

from nurture.domain.errors import AddressRefused, Deferred, DeliveryError, Permanent, Transient
from nurture.logs import masked

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_BAD_MAILBOX = {"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
_BAD_MAILBOX_CODES = {550, 551, 553}
_LATER_CODES = {450, 451, 452}
_BAD_SENDER = {"4.1.7", "4.1.8"}
_OF_RECIPIENT = re.compile(r"gr[ae]y-?list|recipient", re.IGNORECASE)
_LONGEST_DETAIL = 200


def of_recipient(code: int, text: str) -> DeliveryError:
    """RCPT was refused. Without an enhanced code the plain one is all there is to judge by; a policy
    refusal (5.7.x) says nothing against the address."""
    enhanced = _enhanced(text)
    if 500 <= code < 600 and not enhanced and code in _BAD_MAILBOX_CODES:
        return AddressRefused("address_refused", detail(code, text))
    if code in _LATER_CODES and _asks_for_patience(code, enhanced, text):
        return Deferred("refused_for_now", detail(code, text))
    return of_message(code, text)


def of_message(code: int, text: str) -> DeliveryError:
    """The message, or anything else, was refused."""
    enhanced = _enhanced(text)
    if not 500 <= code < 600:
        return Transient("refused_for_now", detail(code, text))
    if enhanced in _BAD_MAILBOX:
        return AddressRefused("address_refused", detail(code, text))
    if enhanced == "5.2.2":
        return Permanent("mailbox_full", detail(code, text))
    if enhanced.startswith("5.7."):
        return Permanent("policy", detail(code, text))
    return Permanent("refused", detail(code, text))


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
    match = _ENHANCED.search(text)
    return match[0] if match else ""
