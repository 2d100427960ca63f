"""How deep markup goes. What compiles MJML and puts styles inline is native code that calls itself for every level:
where its stack ends, so does the process, without an exception."""

from collections.abc import Collection

from nurture.delivery.email.markup import VOID, Markup
from nurture.domain.errors import InputError
from nurture.playbook.placeholders import TOO_DEEP

_DEEPEST = 200
"""Levels; a mail made of MJML has about 25. A thread's stack of 1 MiB is enough for so many, and what makes the plain
text gives up at 250 and then says nothing at all."""


def shallow(markup: str, place: str = "", mjml: bool = False) -> str:
    """HTML or MJML as it came. Raises InputError when it is nested too deeply for what compiles it."""
    if too_deep(markup, mjml):
        raise InputError(TOO_DEEP, place)
    return markup


def too_deep(markup: str, mjml: bool) -> tuple[int, int] | None:
    """Line and column of the first tag that stands too deep."""
    reader = _Levels(mjml)
    reader.feed(markup)
    return reader.place


_LEFT_OPEN = frozenset(["p", "li", "dd", "dt", "tr", "td", "th", "tbody", "thead", "tfoot"])
"""What HTML lets stand without its end (WHATWG HTML, 13.1.2.4)."""

_FOLLOWS = {
    "a": frozenset[str](),
    "p": frozenset[str](),
    "li": frozenset(["p"]),
    "td": frozenset(["p"]),
    "th": frozenset(["p"]),
    "tr": frozenset(["p", "td", "th"]),
}
"""What may stand open within one of these that the next of its kind ends. (A link ends the one before: two are begun
where a condition chooses between them.)"""

_ENDS = _LEFT_OPEN - {"p", "li", "dd", "dt"} | {"div", "ul", "ol", "dl", "table", "center"}
"""Whose end is also that of everything left open in it."""

_FOREIGN = frozenset(["svg", "math"])
"""Within them everything stands open until its own end."""

_DRAWN = frozenset(["circle", "ellipse", "g", "line", "path", "polygon", "polyline", "rect", "svg"])
"""What within nothing but these may be closed as in XML: `<path/>`. Whatever else ends the drawing, or may."""


class _Levels(Markup):
    """Nothing is text only, and what is open in doubt is: it rather counts too many than too few."""

    def __init__(self, mjml: bool) -> None:
        super().__init__()
        self._mjml = mjml
        self._strict = mjml
        self._open: list[str] = []
        self._drawing = 0  # how many of the innermost are of a drawing
        self.place: tuple[int, int] | None = None

    def set_cdata_mode(self, *_: object, **__: object) -> None:
        pass

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._drawing = self._drawing + 1 if self._draws(tag) else 0
        if tag in VOID:
            return
        self._strict = self._strict or tag in _FOREIGN
        if tag in _FOLLOWS and not self._strict:
            self._end(tag, _FOLLOWS[tag])
        self._open.append(tag)
        if len(self._open) > _DEEPEST and not self.place:
            line, column = self.getpos()
            self.place = line, column + 1

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        if not self._mjml and not self._draws(tag):  # `<div/>` is closed in MJML only
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._drawing = self._drawing - 1 if self._drawing and self._open[-1] == tag else 0
        self._end(tag, _LEFT_OPEN if tag in _ENDS else frozenset())

    def _draws(self, tag: str) -> bool:
        return tag == "svg" or (self._drawing > 0 and tag in _DRAWN)

    def _end(self, tag: str, within: Collection[str]) -> None:
        """The innermost of them, if there is nothing in it but these."""
        at = len(self._open) - 1
        while not self._strict and at >= 0 and self._open[at] != tag and self._open[at] in within:
            at -= 1
        if at >= 0 and self._open[at] == tag:
            del self._open[at:]
