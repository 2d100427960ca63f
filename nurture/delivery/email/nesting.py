"""How deep markup goes. What compiles MJML and puts styles inline is native code that calls itself for every level:
where its stack ends, so does the process, without an exception."""

from collections.abc import Collection, Sequence

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

_CELLS, _TERMS = ("td", "th"), ("dt", "dd")

_FOLLOWS: dict[str, tuple[Sequence[str], Collection[str]]] = {
    "a": (["a"], ()),
    "option": (["option"], ()),
    "p": (["p"], ()),
    "li": (["li"], ["p"]),
    **dict.fromkeys(_TERMS, (_TERMS, ["p"])),
    **dict.fromkeys(_CELLS, (_CELLS, ["p"])),
    "tr": (["tr"], ["p", *_CELLS]),
}
"""Which of those before it each ends, and what may stand open within that. (A link ends the one before: two are begun
where a condition chooses between them.)"""

_ENDS = _LEFT_OPEN - {"p", "li", "dd", "dt"} | {
    *("address", "article", "aside", "blockquote", "center", "details", "div", "dl", "figure"),
    *("footer", "header", "main", "nav", "ol", "section", "table", "ul"),
}
"""Whose end is also that of everything left open in it."""

_FOREIGN = frozenset(["svg", "math"])
"""Within them everything stands open until its own end, what is void in HTML, too."""

_DRAWN = frozenset(
    [
        *("a", "animate", "circle", "clippath", "defs", "ellipse", "filter", "g", "image", "line"),
        *("lineargradient", "marker", "mask", "path", "pattern", "polygon", "polyline"),
        *("radialgradient", "rect", "stop", "style", "svg", "symbol", "text", "tspan", "use"),
    ]
)
"""What within nothing but these may be closed as in XML, `<path/>`, and ends with its drawing."""

_NAMING = frozenset(["title", "desc"])
_NO_DRAWING = "?"
"""Stands open for good where anything else was in a drawing: it may have ended it (WHATWG HTML, 13.2.6.5)."""


class _Levels(Markup):
    """Nothing is text only, and what is open in doubt is: it rather counts too many than too few."""

    def __init__(self, mjml: bool) -> None:
        super().__init__()
        self._mjml = mjml
        self._open: list[str] = []
        self.place: tuple[int, int] | None = None

    def set_cdata_mode(self, *_: object, **__: object) -> None:
        pass

    def handle_starttag(self, tag: str, attrs: object) -> None:
        foreign = self._foreign
        if self.place or (tag in VOID and not foreign):
            return
        if tag in _FOLLOWS and not foreign and not self._mjml:
            self._end(*_FOLLOWS[tag])
        if self._drawing and tag not in _DRAWN | _NAMING:
            self._open.append(_NO_DRAWING)
        self._open.append(tag)
        if len(self._open) > _DEEPEST:
            line, column = self.getpos()
            self.place = line, column + 1

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        closed = tag == "svg" or (self._drawing and tag in _DRAWN)
        if not self._mjml and not closed:  # `<div/>` is closed in MJML only
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        foreign = self._foreign
        within: Collection[str] = ()
        if tag == "svg":
            within = _DRAWN - {tag}
        elif tag in _ENDS and not foreign and not self._mjml:
            within = _LEFT_OPEN
        if not self._end([tag], within) and foreign:
            self._open.append(_NO_DRAWING)

    @property
    def _foreign(self) -> bool:
        return not self._mjml and not _FOREIGN.isdisjoint(self._open)

    @property
    def _drawing(self) -> bool:
        """Whether nothing but a drawing is open since its `<svg>`."""
        for each in reversed(self._open):
            if each == "svg" or each not in _DRAWN:
                return each == "svg"
        return False

    def _end(self, tags: Sequence[str], within: Collection[str]) -> bool:
        """The innermost of them, if there is nothing in it but these."""
        at = len(self._open) - 1
        while at >= 0 and self._open[at] not in tags and self._open[at] in within:
            at -= 1
        if at < 0 or self._open[at] not in tags:
            return False
        del self._open[at:]
        return True
