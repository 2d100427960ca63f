"""Whether a mail says something to who sees no pictures, to who reads no HTML, and before it is opened."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from nurture.delivery.email import compiling
from nurture.delivery.email.markup import Markup
from nurture.delivery.email.variants import ROOT, Files, Library
from nurture.domain.errors import Finding

FEWEST = 10
"""Words that a mail with pictures needs beside them. A greeting and a name are no text yet."""
FOOTER = 30
"""Words that whoever sends it, and how to leave, may take; they say nothing of the mail's own."""

_LEAVING = re.compile(r"\{\{[^}]*\b(?:unsubscribe_url|company\.address)\b.*?\}\}")
_VALUE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_TAG = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_WORD = re.compile(r"\w+")
_MARK = "\1"
_PICTURES = frozenset({"img", "mj-image", "mj-carousel-image"})
_UNSEEN = frozenset({"head", "mj-head", "style", "script", "title"})
_BLOCKS = frozenset({"mj-text", "mj-button", "td", "p", "div", "li", "body", "mj-body"})
_PREHEADER = re.compile(
    r"<mj-preview\b[^>]*>\s*[^\s<]|style\s*=\s*[\"'][^\"']*(?:display\s*:\s*none|mso-hide)", re.I
)


def unreadable(
    path: str, files: Files, reached: Sequence[str], own_text: bool
) -> Iterator[Finding]:
    """`path`: a body; `reached`: that and what it includes; `own_text`: a plain text is written for it."""
    readers = {part: _Reader.of(files[part]) for part in reached}
    pictures = [(part, place) for part, each in readers.items() for place in each.pictures]
    if pictures and sum(each.words for each in readers.values()) < FEWEST:
        part, (line, column) = pictures[0]
        problem = "this mail says next to nothing without its pictures"
        remedy = "many see none; write beside them what it is about"
        yield Finding(files.place(part), line, column, problem, remedy)
    if not own_text and not any(each.all_words for each in readers.values()):
        problem = "there is no plain text, and no word in here to make one of"
        yield Finding(files.place(path), 1, 1, problem, "write it into body.txt")


def unannounced(
    templates: Mapping[str, str], languages: Sequence[str], personas: Collection[str]
) -> list[Finding]:
    """Bodies without a preheader, the line that inboxes show behind the subject."""
    library = Library(templates, languages, personas)
    names = {each.path.split("/")[1] for each in library.files if each.path.count("/") > 1}
    found = set()
    for name in (name for name in names if not name.startswith("_")):
        for files in map(library.seen_by, library.variants(name)):
            for path in (f"{ROOT}{name}/body.mjml", f"{ROOT}{name}/body.html"):
                parts = [files[part] for part in compiling.reached(path, files)]
                if parts and not any(_PREHEADER.search(part) for part in parts):
                    found.add(files.place(path))
    remedy = "inboxes show its first words instead; one sentence in <mj-preview> is better"
    return [Finding(file, 1, 1, "this mail has no preheader", remedy) for file in sorted(found)]


class _Reader(Markup):
    """Counts the words of a body as it is written: a value counts as one, Jinja's tags as none."""

    @classmethod
    def of(cls, text: str) -> "_Reader":
        reader = cls()
        text = _LEAVING.sub(lambda found: _as_long(found[0], _MARK), text)
        text = _VALUE.sub(lambda found: _as_long(found[0], "x"), text)
        reader.feed(_TAG.sub(lambda found: _as_long(found[0], " "), text))
        reader.close()
        reader._end()
        return reader

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[tuple[int, int]] = []
        self.words = self.all_words = 0
        self._unseen = 0
        self._block, self._leaving = 0, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _PICTURES:
            line, column = self.getpos()
            self.pictures.append((line, column + 1))
        if tag in _UNSEEN:
            self._unseen += 1
        if tag in _BLOCKS:
            self._end()
        self._leaving |= any(_MARK in (value or "") for _, value in attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _UNSEEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if tag in _BLOCKS:
            self._end()

    def handle_data(self, data: str) -> None:
        self._leaving |= _MARK in data
        if not self._unseen:
            self.all_words += data.count(_MARK)
            self._block += len(_WORD.findall(data))

    def _end(self) -> None:
        """Of a block of text: what a footer takes does not count for the mail."""
        self.all_words += self._block
        self.words += max(0, self._block - FOOTER) if self._leaving else self._block
        self._block, self._leaving = 0, False


def _as_long(text: str, sign: str) -> str:
    """`sign` in the place of `text`, so that lines and columns stay."""
    return sign + re.sub(r"[^\n]", " ", text[1:])
