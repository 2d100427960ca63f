"""Whether text stands out from what is behind it, by day and by night (WCAG 2.2, success criterion 1.4.3).

Judged on the finished mail, where every style is inline. Text on a picture or a gradient is not judged.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from css_inline import CSSInliner, InlineError

from nurture.delivery.email.markup import VOID, Markup
from nurture.delivery.email.nesting import shallow
from nurture.domain.errors import InputError

_DARK = re.compile(r"@media[^{]*prefers-color-scheme:\s*dark[^{]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}")
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL | re.I)
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
_RGB = re.compile(r"rgb\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)\s*\)")
_NAMED = {"black": "#000000", "white": "#ffffff"}
_UNSEEN = frozenset({"head", "style", "script", "title"})
_ENOUGH, _ENOUGH_LARGE = 4.5, 3.0
_LARGE, _LARGE_BOLD = 24.0, 18.66
"""Pixels from which text counts as large: 18 points, or 14 when bold."""

Colour = tuple[int, int, int]

_LINK: Colour = (0, 0, 238)
"""What browsers make of a link without a colour."""


class Faint(NamedTuple):
    """Text that does not stand out. `ratio` is from 1 to 21; `needed` what it should be."""

    text: str
    ratio: float
    needed: float
    dark: bool


def faint(html: str) -> list[Faint]:
    """The texts of a finished mail that are hard to read, each once, first by day and then by night.

    Raises InputError for one that is nested too deeply."""
    found = list(_judged(shallow(html), dark=False))
    night = "".join(rules for style in _STYLE.findall(html) for rules in _DARK.findall(style))
    if night.strip():
        plain = _STYLE.sub("", html)
        inliner = CSSInliner(load_remote_stylesheets=False, extra_css=night)
        try:
            found += _judged(inliner.inline(plain), dark=True)
        except InlineError as error:
            raise InputError(f"a style cannot be read: {error}") from error
    return list(dict.fromkeys(found))


def _judged(html: str, dark: bool) -> Iterator[Faint]:
    reader = _Reader(dark)
    reader.feed(html)
    yield from reader.found


class _Look(NamedTuple):
    tag: str
    colour: Colour | None
    behind: Colour | None
    size: float
    bold: bool
    seen: bool


class _Reader(Markup):
    def __init__(self, dark: bool) -> None:
        super().__init__()
        self._dark = dark
        self._open = [_Look("", (0, 0, 0), (255, 255, 255), 16, False, True)]
        self.found: list[Faint] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            given = {name: value or "" for name, value in attrs}
            self._open.append(_look(tag, given, self._open[-1]))

    def handle_endtag(self, tag: str) -> None:
        if any(look.tag == tag for look in self._open):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        look = self._open[-1]
        text = " ".join(data.split())
        if not look.seen or not re.search(r"\w", text) or not look.colour or not look.behind:
            return
        large = look.size >= (_LARGE_BOLD if look.bold else _LARGE)
        needed = _ENOUGH_LARGE if large else _ENOUGH
        ratio = _ratio(look.colour, look.behind)
        if ratio < needed:
            self.found.append(Faint(text[:60], round(ratio, 1), needed, self._dark))


def _look(tag: str, given: dict[str, str], around: _Look) -> _Look:
    style = {}
    for part in re.sub(r"\s*!important", "", given.get("style", "")).split(";"):
        name, _, value = part.partition(":")
        style[name.strip().lower()] = value.strip().lower()
    colour = _LINK if tag == "a" and "href" in given else around.colour
    if style.get("color") == "inherit":
        colour = around.colour
    elif "color" in style:
        colour = _colour(style["color"])
    size = re.fullmatch(r"([\d.]+)px", style.get("font-size", ""))
    weight = style.get("font-weight", "bold" if tag in ("b", "strong", "th") else "")
    bold = weight in ("bold", "bolder") or (weight.isdigit() and int(weight) >= 700)
    hidden = style.get("display") == "none" or "mso-hide" in style or tag in _UNSEEN
    return _Look(
        tag,
        colour,
        _behind(given, style, around.behind),
        float(size[1]) if size else around.size,
        bold if weight and weight != "inherit" else around.bold,
        around.seen and not hidden,
    )


def _behind(given: dict[str, str], style: dict[str, str], around: Colour | None) -> Colour | None:
    """None where a picture or something else that is not a colour lies behind."""
    if style.get("background-image", "none") != "none":
        return None
    words = style.get("background-color") or style.get("background") or given.get("bgcolor", "")
    words = words.lower().strip()
    return around if words in ("", "none", "transparent", "inherit") else _colour(words)


def _colour(words: str) -> Colour | None:
    words = _NAMED.get(words, words)
    if found := _RGB.fullmatch(words):
        return int(found[1]), int(found[2]), int(found[3])
    if not _HEX.fullmatch(words):
        return None
    digits = words[1:] if len(words) == 7 else "".join(digit * 2 for digit in words[1:])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _ratio(one: Colour, other: Colour) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    """As WCAG defines it, from 0 to 1."""
    parts = [value / 255 for value in colour]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
