"""What becomes of the links in a mail: campaign tags always, counting only when the lead agreed."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from urllib.parse import (
    SplitResult,
    parse_qsl,
    quote,
    unquote,
    urlencode,
    urlunsplit,
)

from nurture.delivery.email.written import Written, parted
from nurture.delivery.links import Links
from nurture.domain.errors import InputError
from nurture.playbook import LinkRules

UNTRACKED = "untracked"
"""In a link's `rel`, or before the address in a text: this link stays as it is written."""

_LINK = re.compile(r"<(?:a|area|v:\w+)\b[^>]*>", re.I)
_HREF = re.compile(r"(\shref\s*=\s*)([\"'])(.*?)\2", re.DOTALL | re.I)
_BARE = re.compile(r"&(?!#?\w+;)")
"""In an attribute a character's name means the character only with its `;` (HTML, "named character reference state"): a
parameter may be called `copy`."""
_REL = re.compile(r"\srel\s*=\s*([\"'])([^\"']*)\1", re.I)
_PAIR = r"\([^\s<>\"'\[\]()]*\)"
_URL = re.compile(
    rf"({UNTRACKED}:)?(https?://(?:[^\s<>\"'\[\]()]|{_PAIR})*(?:[^\s<>\"'\[\]().,;:!?]|{_PAIR}))"
)
"""Brackets of its own are part of it, those that the sentence puts around it are not."""
_IN_TEXT = str.maketrans({" ": "%20", "(": "%28", ")": "%29", "[": "%5B", "]": "%5D"})


@dataclass(frozen=True)
class Tracing:
    """How the links of one mail are rewritten. `written` and `rules` are the playbook's, `domain` is the
    sender's, `marks` what the tags may name, `secret` the lead's address, and `said` what else it told."""

    links: Links
    written: Written
    rules: LinkRules
    message_id: str
    domain: str
    marks: Mapping[str, str]
    secret: str
    said: Collection[str]
    tracking: bool
    _made: dict[tuple[str, bool], str] = field(default_factory=dict)
    """The links of the HTML stand in the text once more."""

    def in_html(self, html: str) -> str:
        def rewritten(match: re.Match[str]) -> str:
            link, untracked = _without_mark(match[0])
            return _HREF.sub(lambda href: self._in_tag(href, untracked), link, count=1)

        return _LINK.sub(rewritten, html)

    def in_text(self, text: str) -> str:
        return _URL.sub(lambda match: self.link(match[2], bool(match[1])), text)

    def _in_tag(self, href: re.Match[str], untracked: bool) -> str:
        url = self.link(unescape(_marked(href[3])).strip(), untracked)
        return f"{href[1]}{href[2]}{escape(url)}{href[2]}"

    def pixel(self, html: str) -> str:
        """The picture that reports an opening, at the end where it delays nothing."""
        if not self.tracking:
            return html
        source = escape(self.links.open_url(self.message_id))
        picture = f'<img src="{source}" width="1" height="1" alt="" style="display:block;border:0">'
        at = html.lower().rfind("</body")
        return html[:at] + picture + html[at:] if at >= 0 else html + picture

    def link(self, url: str, untracked: bool = False) -> str:
        """What came with a value of the lead stays as it is: our signature would lend it our name.

        Raises InputError for a link of the template's that holds the lead's address, or leads nowhere."""
        if (url, untracked) not in self._made:
            self._made[url, untracked] = self._rewritten(url, untracked)
        return self._made[url, untracked]

    def _rewritten(self, url: str, untracked: bool) -> str:
        if not url.lower().startswith(("http://", "https://")) or self.links.is_ours(url):
            return url
        if not self.written.holds(url, self.said):
            return url
        if self.secret and self.secret.lower() in unquote(url).lower():
            raise InputError("a link must not carry the lead's address: proxies and logs keep it")
        parts = parted(url)
        if untracked or self.rules.leaves_alone((parts.hostname or "") + (parts.path or "/")):
            return url
        tagged = self._tagged(parts)
        return self.links.click_url(self.message_id, tagged) if self.tracking else tagged

    def _tagged(self, parts: SplitResult) -> str:
        """Tags go on the company's own pages only, and never over tags already there."""
        if not any(_related(parts.hostname or "", own) for own in self.rules.own or (self.domain,)):
            return urlunsplit(parts)
        there = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        added = urlencode(
            {
                name: value.format_map(self.marks)
                for name, value in self.rules.tags.items()
                if name not in there
            },
            quote_via=quote,
        )
        query = "&".join(part for part in (parts.query, added) if part)
        return urlunsplit(parts._replace(query=query))


def for_text(html: str) -> str:
    """`html` with links as they can stand in a text: free of brackets, and marked where they are left
    alone."""

    def readable(match: re.Match[str]) -> str:
        link, untracked = _without_mark(match[0])
        mark = f"{UNTRACKED}:" if untracked else ""
        return _HREF.sub(
            lambda href: f"{href[1]}{href[2]}{mark}{_marked(href[3]).translate(_IN_TEXT)}{href[2]}",
            link,
            1,
        )

    return _LINK.sub(readable, html)


def _marked(href: str) -> str:
    """The link with each `&` of its own as strict HTML has it, which every reader takes alike."""
    return _BARE.sub("&amp;", href)


def _without_mark(link: str) -> tuple[str, bool]:
    """The tag without UNTRACKED in its rel, and whether it had it."""
    rel = _REL.search(link)
    words = rel[2].split() if rel else []
    if rel is None or UNTRACKED not in words:
        return link, False
    others = " ".join(word for word in words if word != UNTRACKED)
    kept = f' rel="{others}"' if others else ""
    return link[: rel.start()] + kept + link[rel.end() :], True


def _related(host: str, domain: str) -> bool:
    """True when one is the other or lies below it: firm.dk, its shop.firm.dk, its mail.firm.dk."""
    if not host or not domain:
        return False
    host, domain = host.removeprefix("www."), domain.lower()
    return f".{host}".endswith(f".{domain}") or f".{domain}".endswith(f".{host}")
