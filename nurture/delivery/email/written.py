"""Which links the templates wrote. A lead may tell any web address as its town: we do not vouch for that one."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import SplitResult, urlsplit

from nurture.domain.errors import InputError

_HOST = re.compile(r"https?://[^/?#]*", re.I)
_LINK = re.compile(
    r"https?://(?:\[[^\]\s<>\"'{}]*\]|[^\s<>\"'\[\](){}/?#])+(?:[/?#][^\s<>\"'\[\](){}&]*)?", re.I
)
"""As far as every mail and each of its parts has it alike: no value, and no sign that HTML or a text writes anew."""


class Written:
    """The beginnings of the links in these texts, each with its whole host."""

    def __init__(self, texts: Iterable[str]) -> None:
        by_host = defaultdict[str, set[str]](set)
        for text in texts:
            for _, link in links_in(text):
                by_host[_host(link)].add(link)
        self._by_host = {host: tuple(links) for host, links in by_host.items()}

    def holds(self, url: str, said: Collection[str]) -> bool:
        """Whether a template wrote the beginning of `url`, and `url` is nothing that the lead `said` itself."""
        links = self._by_host.get(_host(url), ())
        return url in links or (url.startswith(links) and not any(url in each for each in said))


def links_in(text: str) -> Iterator[tuple[int, str]]:
    """Each link with where it begins in `text`, without the sentence's full stop."""
    for match in _LINK.finditer(text):
        yield match.start(), match[0].rstrip(".,;:!?")


def parted(url: str) -> SplitResult:
    """Raises InputError for a link whose host is none, such as one that nobody has filled in."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise InputError(f"the link {_host(url)} leads nowhere: its host cannot be read") from error


def _host(url: str) -> str:
    """With the scheme; all of a link that a value cannot be part of."""
    match = _HOST.match(url)
    return match[0] if match else ""
