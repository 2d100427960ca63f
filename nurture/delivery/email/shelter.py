"""Jinja's tags, kept out of the way of tools that know nothing of them.

MJML is parsed as XML and css-inline parses HTML. Neither may see `{% if a < b %}`: the one fails, the
other moves it out of a table. So every tag is hidden behind a word first and put back last.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from jinja2 import Environment

_BEGIN = {"variable_begin", "block_begin", "comment_begin", "linecomment_begin"}
_END = {"variable_end", "block_end", "comment_end"}
_WHOLE = {"raw_begin", "raw_end"}
_WORD = "jinja-{}-tag"
_HIDDEN = re.compile(r"<!--jinja-(\d+)-tag-->|jinja-(\d+)-tag")
_MARKUP_OR_WORD = re.compile(r"<!--.*?-->|<[^>]*>|jinja-\d+-tag", re.DOTALL)
_WRAPPED = re.compile(r"<!--(jinja-\d+-tag)-->")
_LINE_OF_TAGS = re.compile(r"(?m)^(?:jinja-\d+-tag)+\n")
_ROWS = re.compile(r"(<table\b[^>]*>\s*)((?:<!--jinja-\d+-tag-->\s*)+<tr\b)", re.I)


class Origin(NamedTuple):
    """A place in a file below templates/; the line counts from 1."""

    file: str
    line: int


@dataclass(frozen=True)
class Tag:
    """One of Jinja's tags. `end` is its closing delimiter, empty where the tag must not be split."""

    origin: Origin
    kind: str
    text: str
    end: str

    @property
    def block(self) -> bool:
        return self.kind != "variable_begin"


@dataclass(frozen=True)
class Restored:
    """Text for Jinja. `origins` says where the tag that begins on a line was written."""

    text: str
    origins: Mapping[int, Origin]


class Shelter:
    """The tags of one template and of everything it includes."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._tags: list[Tag] = []

    def hide(self, file: str, text: str) -> str:
        """`text` with a word in place of every tag. Raises TemplateSyntaxError."""
        hidden: list[str] = []
        opened: list[str] = []
        start = Origin(file, 1)
        kind = ""
        for line, token, value in self._environment.lex(text, filename=file):
            if token in _BEGIN:
                start, kind, opened = Origin(file, line), token, [value]
            elif token in _END:
                hidden.append(self._keep(Tag(start, kind, "".join(opened), value)))
                opened = []
            elif token in _WHOLE:
                hidden.append(self._keep(Tag(Origin(file, line), token, value, "")))
            else:
                (opened if opened else hidden).append(value)
        return "".join(hidden)

    def as_comments(self, html: str) -> str:
        """Block tags between elements become comments, which HTML allows everywhere.

        A table whose rows begin with one gets its <tbody> here: a parser would add it behind the tag, and
        so once for every turn of a loop.
        """

        def comment(match: re.Match[str]) -> str:
            found = _HIDDEN.fullmatch(match[0])
            if not found or found[1] or not self._tags[int(found[2])].block:
                return match[0]
            return f"<!--{match[0]}-->"

        return _ROWS.sub(r"\1<tbody>\2", _MARKUP_OR_WORD.sub(comment, html))

    def as_words(self, html: str) -> str:
        """The comments of `as_comments` as words again, so that they are part of the text."""
        return _WRAPPED.sub(r"\1", html)

    def joined(self, text: str) -> str:
        """Lines of nothing but block tags run into the next one, and leave no empty line behind."""

        def line(match: re.Match[str]) -> str:
            blocks = all(tag.block for tag in self.found(match[0]))
            return match[0].rstrip("\n") if blocks else match[0]

        return _LINE_OF_TAGS.sub(line, text)

    def found(self, markup: str) -> list[Tag]:
        """The tags that stand hidden in `markup`."""
        numbers = [int(first or second) for first, second in _HIDDEN.findall(markup)]
        return [self._tags[number] for number in numbers]

    def lost(self, markup: str) -> list[Tag]:
        """The tags that a tool dropped together with text it had no place for."""
        there = set(map(id, self.found(markup)))
        return [tag for tag in self._tags if tag.kind != "comment_begin" and id(tag) not in there]

    def restore(self, markup: str) -> Restored:
        """Each tag back in its place. A line break inside it, which Jinja ignores, gives every tag a
        line of its own: so an error's line number points at one tag."""
        pieces: list[str] = []
        origins: dict[int, Origin] = {}
        line, end = 1, 0
        for match in _HIDDEN.finditer(markup):
            tag = self._tags[int(match[1] or match[2])]
            text = "" if tag.kind == "comment_begin" else tag.text
            if text and tag.end:
                text += "\n" + tag.end
            before = markup[end : match.start()]
            line += before.count("\n")
            for further in range(tag.text.count("\n") + 1):
                origins[line + further] = Origin(tag.origin.file, tag.origin.line + further)
            line += text.count("\n")
            pieces += [before, text]
            end = match.end()
        return Restored("".join([*pieces, markup[end:]]), origins)

    def _keep(self, tag: Tag) -> str:
        self._tags.append(tag)
        return _WORD.format(len(self._tags) - 1)
