"""Was it a person who opened or clicked? Scanners and proxies fetch most mails before anybody reads them.

Nothing is thrown away: a machine's hit is kept with its reason, earns no points and ends no wait.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

AT_ONCE = timedelta(seconds=5)
"""No person gets a mail, opens it and clicks this soon after it was made."""

BURST = timedelta(seconds=2)
"""Nobody reads one page and clicks the mail's next link this soon."""

SEVERAL_LINKS = "several links at once"

TOO_EARLY = "too early to tell"
"""A click that looks like a person's counts when no other link of the mail was followed within BURST."""

_SCANNERS = (
    "+http",
    "barracuda",
    "bot/",
    "checkpoint",
    "crawl",
    "curl/",
    "fireeye",
    "forcepoint",
    "go-http-client",
    "headless",
    "java/",
    "mimecast",
    "okhttp",
    "phantomjs",
    "preview",
    "proofpoint",
    "python",
    "safelinks",
    "scan",
    "sophos",
    "spider",
    "symantec",
    "trendmicro",
    "urlcheck",
    "wget/",
    "zscaler",
)
_BARE = re.compile(r"Mozilla/\d\.\d( \(compatible;?\))?")
_PREFETCH_HEADERS = ("purpose", "sec-purpose", "x-purpose", "x-moz")


@dataclass(frozen=True)
class Hit:
    """One fetch of a pixel or link. `headers` have lower-case names; `age` is that of the mail."""

    name: str
    method: str
    headers: Mapping[str, str] = field(default_factory=dict)
    age: timedelta | None = None


def reason(hit: Hit, at_once: timedelta = AT_ONCE) -> str | None:
    """Why the hit was a machine's; None for what looks like a person.

    `at_once` is shorter under a compressed clock.
    """
    agent = hit.headers.get("user-agent", "").strip()
    if hit.method == "HEAD":
        return "head request"
    if not agent:
        return "no user agent"
    if any(_prefetches(hit.headers.get(header, "")) for header in _PREFETCH_HEADERS):
        return "prefetch"
    if hit.name == "opened":
        proxy = _open_proxy(agent)
        if proxy:
            return proxy
    elif _BARE.fullmatch(agent):
        return "bare user agent"
    if any(mark in agent.lower() for mark in _SCANNERS):
        return "scanner"
    if hit.age is not None and hit.age < at_once:
        return "too soon after sending"
    return None


def _prefetches(value: str) -> bool:
    return any(word in value.lower() for word in ("prefetch", "preview", "prerender"))


def _open_proxy(agent: str) -> str | None:
    """Apple's proxy loads every image soon after delivery under a bare name, whoever the reader is.

    Gmail's and Yahoo's proxies fetch when the mail is opened, so theirs count as a person's.
    """
    return "Apple mail privacy" if _BARE.fullmatch(agent) else None
