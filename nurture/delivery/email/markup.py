"""Reading HTML as people write it."""

from html.parser import HTMLParser

VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
    ]
)
"""The elements that nothing stands in."""


class Markup(HTMLParser):
    """The standard library's reader gives up on `<![x`, which browsers take for a comment (WHATWG HTML, 13.2.5.42)."""

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return self.parse_bogus_comment(i, False)
