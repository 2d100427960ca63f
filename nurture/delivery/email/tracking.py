"""What becomes of the links in a mail: campaign tags always, counting only when the lead agreed."""

import re
from dataclasses import dataclass
from html import escape, unescape
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from nurture.delivery.links import Links
from nurture.domain.errors import InputError

_HREF = re.compile(r"(<(?:a|area|v:\w+)\b[^>]*?\shref\s*=\s*)([\"'])(.*?)\2", re.DOTALL | re.I)
_URL = re.compile(r"https?://[^\s<>\"'\[\]()]*[^\s<>\"'\[\]().,;:!?]")
_END_OF_BODY = re.compile(r"</body\s*>", re.I)


@dataclass(frozen=True)
class Tracing:
    """How the links of one mail are rewritten. `domain` is the sender's, `secret` the lead's address."""

    links: Links
    message_id: str
    domain: str
    flow: str
    step: str
    secret: str
    tracking: bool

    def in_html(self, html: str) -> str:
        def rewritten(match: re.Match[str]) -> str:
            url = self.link(unescape(match[3]).strip())
            return f"{match[1]}{match[2]}{escape(url)}{match[2]}"

        return _HREF.sub(rewritten, html)

    def in_text(self, text: str) -> str:
        return _URL.sub(lambda match: self.link(match[0]), text)

    def pixel(self, html: str) -> str:
        """The picture that reports an opening, at the end where it delays nothing."""
        if not self.tracking:
            return html
        source = escape(self.links.open_url(self.message_id))
        picture = f'<img src="{source}" width="1" height="1" alt="" style="display:block;border:0">'
        ends = list(_END_OF_BODY.finditer(html))
        at = ends[-1].start() if ends else len(html)
        return html[:at] + picture + html[at:]

    def link(self, url: str) -> str:
        """Raises InputError for a link that holds the lead's address."""
        if not url.lower().startswith(("http://", "https://")) or self.links.is_ours(url):
            return url
        if self.secret and self.secret.lower() in unquote(url).lower():
            raise InputError("a link must not carry the lead's address: proxies and logs keep it")
        tagged = self._tagged(url)
        return self.links.click_url(self.message_id, tagged) if self.tracking else tagged

    def _tagged(self, url: str) -> str:
        """Tags go on the company's own pages only, and never over tags already there."""
        parts = urlsplit(url)
        if not _related(parts.hostname or "", self.domain):
            return url
        there = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        tags = {
            "utm_source": "nurture",
            "utm_medium": "email",
            "utm_campaign": self.flow,
            "utm_content": self.step,
        }
        added = urlencode({k: v for k, v in tags.items() if k not in there}, quote_via=quote)
        query = "&".join(part for part in (parts.query, added) if part)
        return urlunsplit(parts._replace(query=query))


def _related(host: str, domain: str) -> bool:
    """True when one is the other or lies below it: firm.dk, its shop.firm.dk, its mail.firm.dk."""
    if not host or not domain:
        return False
    host, domain = host.removeprefix("www."), domain.lower()
    return f".{host}".endswith(f".{domain}") or f".{domain}".endswith(f".{host}")
