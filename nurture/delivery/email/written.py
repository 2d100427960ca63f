"""Which links the templates wrote. A lead may tell any web address as its town: we do not vouch for that one."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from html import unescape
from urllib.parse import SplitResult, urlsplit

from nurture.domain.errors import InputError

_HOST = re.compile(r"https?://[^/?#]*", re.I)
_IN_HOST = r"[^\s<>\"'\[\](){}/?#]"
_LINK = re.compile(
    rf"https?://(?:\[[^\]\s<>\"'{{}}]*\]{_IN_HOST}*|{_IN_HOST}+)(?:[/?#][^\s<>\"'\[\](){{}}]*)?",
    re.I,
)
"""As far as every mail and each of its parts has it alike: no value, and no bracket, which a text writes anew; but a
whole host may stand in some."""
_LANGUAGE = re.compile(r"\{\{-?\s*language\s*-?\}\}")


class Written:
    """The beginnings of the links in texts of ours, each with its whole host, which may name one of our `languages`."""

    def __init__(self, texts: Iterable[str], languages: Sequence[str]) -> None:
        self._languages = languages
        self._by_host: dict[str, tuple[str, ...]] = {}
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Whether `text` is HTML or not: each link as it stands there, and as HTML means it."""
        for written in {_LANGUAGE.sub(each, text) for each in self._languages}:
            for _, link in (*links_in(written), *links_in(unescape(written))):
                known = self._by_host.get(_host(link), ())
                self._by_host[_host(link)] = tuple({*known, link})

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
