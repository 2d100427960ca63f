"""Addresses that marketers write: of the web, of mail, and of domains. Each raises Wrong for what is none."""

import re
from urllib.parse import SplitResult, urlsplit

from email_validator import EmailNotValidError, validate_email

from nurture.playbook.findings import wrong

_HOST = re.compile(rb"[A-Za-z0-9._:-]+")


def of_web(text: str, kept: bool) -> str:
    """What is `kept` may have a host or a port that nobody can call: then its calls fail, and nothing else."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        good = good and (kept or _callable(text, parts))
    except ValueError:  # half of an IPv6 address, a label that is empty or too long, no real port
        good = False
    if not good:
        raise wrong(f'"{text}" is not a web address', 'such as "https://crm.example/hooks/nurture"')
    return text


def _callable(text: str, parts: SplitResult) -> bool:
    """Whether it is on one line without blanks, and its host and port can be called. Raises ValueError for some that
    cannot."""
    host = (parts.hostname or "").encode("idna")
    one_word = text.isprintable() and " " not in text
    return one_word and parts.port != 0 and bool(_HOST.fullmatch(host))


def of_mail(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise wrong(f'"{text}" is not an address', str(error)) from error


def of_returns(text: str) -> str:
    """An address in which {mail} may stand, so that a returned mail says which one it was."""
    of_mail(text.replace("{mail}", "x"))
    if "{mail}" in text.rpartition("@")[2] or not re.fullmatch(r"[^{}]*(\{mail\})?[^{}]*", text):
        raise wrong(f'"{text}" cannot receive mail', 'such as "bounces+{mail}@x-education.example"')
    return text


def domain(text: str) -> str:
    if not re.fullmatch(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", text):
        raise wrong(f'"{text}" is not a domain', 'such as "x-education.example"')
    return text
