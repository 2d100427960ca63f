"""Which links the templates wrote. A lead may tell any web address as its town: we do not vouch for that one."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from html import unescape
from itertools import product
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
_OURS = re.compile(r"\{\{-?\s*(language|persona)\s*-?\}\}")
"""Values of which the playbook has a list."""
_OTHERS = re.compile(r"https?://[^\s<>\"'/?#{}]*\{\{", re.I)


class Written:
    """The beginnings of the links in texts of ours, each with its whole host, which may name one of our `languages` or
    `personas`."""

    def __init__(
        self, texts: Iterable[str], languages: Sequence[str], personas: Sequence[str]
    ) -> None:
        self._values = {"language": languages, "persona": (*personas, "")}
        self._by_host: dict[str, tuple[str, ...]] = {}
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Whether `text` is HTML or not: each link as it stands there, and as HTML means it."""
        named = sorted({match[1] for match in _OURS.finditer(text)})
        for values in product(*(self._values[name] for name in named)):
            told = dict(zip(named, values, strict=True))
            written = _OURS.sub(lambda match, told=told: told[match[1]], text)  # type: ignore[misc]
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


def made_hosts(text: str) -> Iterator[int]:
    """Where links begin whose host has other values in it: nobody knows beforehand where they lead."""
    told = _OURS.sub(lambda match: "x" * len(match[0]), text)
    yield from (match.start() for match in _OTHERS.finditer(told))


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
