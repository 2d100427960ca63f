"""The mail for those who read no HTML.

Making text of HTML costs more than everything else about a mail, so it is done once, with Jinja's tags still
hidden behind words. Where that could change what a tag does, the text is made of each finished mail instead.
"""

import re
from collections.abc import Iterator, Sequence

from inscriptis import get_text  # type: ignore[import-untyped]
from inscriptis.model.config import ParserConfig  # type: ignore[import-untyped]

from nurture.delivery.email.markup import Markup
from nurture.delivery.email.nesting import shallow
from nurture.delivery.email.shelter import Restored, Shelter, Tag
from nurture.delivery.email.tracking import for_text

_BLANK_LINES = re.compile(r"\n{3,}")
_DECORATION = re.compile(r"<(\w+)\b[^>]*\saria-hidden=[\"']true[\"'][^>]*>[^<]*</\1>")
"""What is for the eye only."""
_OPENING = frozenset(["if", "for", "with", "filter", "call", "macro", "block", "autoescape"])
_BETWEEN = frozenset({"else", "elif"})


def as_text(html: str) -> str:
    """The text of a finished mail, with every link written out. Raises InputError for one that is nested too deeply."""
    told = _DECORATION.sub("", for_text(shallow(html)))
    told = told.replace(
        "&amp;", "&amp;amp;"
    )  # Inscriptis reads each once more: `&copy=` became a sign
    return tidy(get_text(told, ParserConfig(display_links=True)))


def tidy(text: str) -> str:
    """Without blanks at the ends of lines, and never two blank lines in a row."""
    lines = text.splitlines()
    return _BLANK_LINES.sub("\n\n", "\n".join(line.strip() for line in lines)).strip() + "\n"


def prepared(shelter: Shelter, html: str) -> Restored | None:
    """`html` (with hidden tags) as text for Jinja; None when the tags do not all keep their places."""
    if _Rows.entangled(shelter, html):
        return None
    text = as_text(shelter.as_words(html))
    before, after = shelter.found(html), shelter.found(text)
    kept = _kept(before, {id(tag) for tag in after})
    if kept is None or _blocks(after) != [tag for tag in _blocks(before) if id(tag) in kept]:
        return None
    if not _inside(after, kept) <= _inside(before, kept):
        return None
    return shelter.restore(shelter.joined(text))


def _blocks(tags: Sequence[Tag]) -> list[Tag]:
    return [tag for tag in tags if tag.block and tag.kind != "comment_begin"]


def _kept(before: Sequence[Tag], there: set[int]) -> set[int] | None:
    """The blocks whose tags are all in the text. What HTML hides, such as a preheader, may be gone with
    all of its tags; half a condition, or an assignment, must not: then None."""
    kept = set[int]()
    for group in _groups(_blocks(before)):
        inside = [id(tag) for tag in group if id(tag) in there]
        single = len(group) == 1
        if not group or len(inside) not in (0, len(group)) or (single and not inside):
            return None
        kept.update(inside)
    return kept


def _groups(blocks: Sequence[Tag]) -> Iterator[list[Tag]]:
    """The tags that belong together: an if with its else and endif. Empty for what is not understood."""
    opened: list[list[Tag]] = []
    for tag in blocks:
        word = (re.findall(r"\w+", tag.text) or [""])[0]
        if word in _OPENING:
            opened.append([tag])
        elif not word.startswith("end") and word not in _BETWEEN:
            yield [tag]
        elif opened:
            opened[-1].append(tag)
            if word not in _BETWEEN:
                yield opened.pop()
        else:
            yield []
    yield from ([] for _ in opened)


def _inside(tags: Sequence[Tag], blocks: set[int]) -> set[tuple[int, int]]:
    """Every tag with the block tag before it: a value must not leave the condition or loop it stands in."""
    found, last = set[tuple[int, int]](), 0
    for tag in tags:
        if id(tag) in blocks:
            last = id(tag)
        found.add((id(tag), last))
    return found


class _Rows(Markup):
    """Looks for conditions inside rows of several cells: in a text their lines stand beside each other."""

    @classmethod
    def entangled(cls, shelter: Shelter, html: str) -> bool:
        reader = cls(shelter)
        reader.feed(html)
        return reader._found

    def __init__(self, shelter: Shelter) -> None:
        super().__init__()
        self._shelter = shelter
        self._rows: list[list[int]] = []  # of each open row: its cells, and the block tags in it
        self._found = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self._rows.append([0, 0])
        elif tag in ("td", "th") and self._rows:
            self._rows[-1][0] += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr" and self._rows:
            cells, blocks = self._rows.pop()
            self._found |= cells > 1 and blocks > 0
            if self._rows:
                self._rows[-1][1] += blocks

    def handle_data(self, data: str) -> None:
        if self._rows and not data.startswith(
            "["
        ):  # [if mso]: for one mail program, never in a text
            self._rows[-1][1] += len(_blocks(self._shelter.found(data)))

    handle_comment = handle_data
