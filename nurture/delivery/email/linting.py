"""Looks for what the MJML compiler lets pass in silence."""

from collections.abc import Mapping
from difflib import get_close_matches
from xml.parsers import expat

from nurture.delivery.email.markup import Markup
from nurture.delivery.email.vocabulary import ATTRIBUTES, CONTENT, DEFAULTS_TAG
from nurture.domain.errors import Finding

_PARTIAL = "nurture-partial"
_ENTITY = "undefined entity"


def lint(file: str, markup: str, partial: bool) -> list[Finding]:
    """`markup` with Jinja's tags blanked out, so that places are those of the file. A `partial` is
    included by others and may begin with any tag."""
    reader = _Reader(file, partial)
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, given: reader.start(
        tag, given, parser.CurrentLineNumber, reader.column(parser)
    )
    parser.EndElementHandler = reader.end
    try:
        parser.Parse(f"<{_PARTIAL}>{markup}</{_PARTIAL}>" if partial else markup, True)
    except expat.ExpatError as error:
        problem = expat.errors.messages[error.code]
        remedy = "write it as a number, &#160; for &nbsp;" if problem == _ENTITY else ""
        column = error.offset + 1 - reader.shift(error.lineno)
        reader.findings.append(Finding(file, error.lineno, max(column, 1), problem, remedy))
    return reader.findings


class _Reader:
    def __init__(self, file: str, partial: bool) -> None:
        self._file = file
        self._shift = len(f"<{_PARTIAL}>") if partial else 0
        self._open: list[str] = []
        self.findings: list[Finding] = []

    def shift(self, line: int) -> int:
        """Columns by which the wrapping of a partial moves its first line."""
        return self._shift if line == 1 else 0

    def column(self, parser: expat.XMLParserType) -> int:
        return parser.CurrentColumnNumber + 1 - self.shift(parser.CurrentLineNumber)

    def start(self, tag: str, given: Mapping[str, str], line: int, column: int) -> None:
        if tag != _PARTIAL:
            for problem, remedy in self._problems(tag, given):
                self.findings.append(Finding(self._file, line, column, problem, remedy))
        self._open.append(tag)

    def end(self, tag: str) -> None:
        self._open.pop()

    def _problems(self, tag: str, given: Mapping[str, str]) -> list[tuple[str, str]]:
        in_content = not CONTENT.isdisjoint(self._open)
        if DEFAULTS_TAG in self._open:
            return _defaults(tag, given)
        if in_content and not tag.startswith("mj"):
            return _picture(tag, given) if tag == "img" else []
        if in_content:
            return [(f"<{tag}> inside <{self._open[-1]}> is not read as MJML", "take it out")]
        if tag not in ATTRIBUTES:
            return [
                (f"MJML has no tag <{tag}>", _like(tag, ATTRIBUTES) or "HTML goes into mj-text")
            ]
        found = [
            (f"<{tag}> has no attribute {name}", _like(name, ATTRIBUTES[tag]))
            for name in given
            if name not in ATTRIBUTES[tag]
        ]
        return found + (_picture(tag, given) if tag == "mj-image" else [])


def lint_html(file: str, markup: str) -> list[Finding]:
    """Pictures without what they need; `markup` as for `lint`."""
    reader = _Pictures(file)
    reader.feed(markup)
    return reader.findings


class _Pictures(Markup):
    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file
        self.findings: list[Finding] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, column = self.getpos()
        if tag == "img":
            for problem, remedy in _picture(tag, dict(attrs)):
                self.findings.append(Finding(self._file, line, column + 1, problem, remedy))


_ALT = 'say what it shows, or alt="" for decoration'
_SIZE = "in pixels; without it the text jumps when the picture comes"


def _picture(tag: str, given: Mapping[str, str | None]) -> list[tuple[str, str]]:
    missing = [(f"{tag} has no alt", _ALT)] if "alt" not in given else []
    sizes = (name for name in ("width", "height") if name not in given)
    return missing + [(f"{tag} has no {name}", f"say its {name} {_SIZE}") for name in sizes]


def _defaults(tag: str, given: Mapping[str, str]) -> list[tuple[str, str]]:
    every = frozenset().union(*ATTRIBUTES.values())
    known = ATTRIBUTES.get(tag, every | {"name"} if tag in ("mj-all", "mj-class") else frozenset())
    if not known:
        return [(f"MJML has no tag <{tag}>", _like(tag, ATTRIBUTES))]
    return [
        (f"<{tag}> has no attribute {name}", _like(name, known))
        for name in given
        if name not in known
    ]


def _like(word: str, known: Mapping[str, object] | frozenset[str]) -> str:
    close = get_close_matches(word, list(known), 1)
    return f"did you mean {close[0]}?" if close else ""
